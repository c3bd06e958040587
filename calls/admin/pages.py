"""Pages of ours in the admin: a form with Django's own look, whatever it does when it is sent."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib.admin import helpers
from django.forms import BaseForm
from django.http import HttpRequest
from django.template.response import TemplateResponse

from calls.admin.typed import ModelAdmin

Fieldsets = Sequence[tuple[str | None, dict[str, Any]]]


def form_page(
    model_admin: ModelAdmin[Any],
    request: HttpRequest,
    form: BaseForm,
    fieldsets: Fieldsets,
    *,
    title: str,
    submit: str,
    template: str = "admin/form_page.html",
    **context: object,
) -> TemplateResponse:
    """`submit` is the main button's verb; more `context` is for a template of the page's own."""
    return page(
        model_admin,
        request,
        template,
        title=title,
        submit=submit,
        form=form,
        adminform=helpers.AdminForm(cast(Any, form), cast(Any, fieldsets), {}, model_admin=model_admin),
        media=model_admin.media + form.media,
        **context,
    )


def page(model_admin: ModelAdmin[Any], request: HttpRequest, template: str, **context: object) -> TemplateResponse:
    shared = model_admin.admin_site.each_context(request)
    return TemplateResponse(request, template, {**shared, "opts": model_admin.opts, **context})

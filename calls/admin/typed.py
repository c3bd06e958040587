"""Django's admin and form classes as generics: its stubs know them so, Django itself does not yet."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as _UserAdmin
from django.forms.models import BaseInlineFormSet as _BaseInlineFormSet

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline
    from django.contrib.auth.admin import UserAdmin
    from django.forms.models import BaseInlineFormSet, ModelForm
else:

    class ModelForm(forms.ModelForm):
        def __class_getitem__(cls, _model: Any) -> type:
            return cls

    class ModelAdmin(admin.ModelAdmin):
        def __class_getitem__(cls, _model: Any) -> type:
            return cls

    class UserAdmin(_UserAdmin):
        def __class_getitem__(cls, _model: Any) -> type:
            return cls

    class TabularInline(admin.TabularInline):
        def __class_getitem__(cls, _models: Any) -> type:
            return cls

    class BaseInlineFormSet(_BaseInlineFormSet):
        def __class_getitem__(cls, _models: Any) -> type:
            return cls


__all__ = ["BaseInlineFormSet", "ModelAdmin", "ModelForm", "TabularInline", "UserAdmin"]

from importlib import import_module

from django.db import migrations

make_roles = import_module("calls.migrations.0004_roles").make_roles


class Migration(migrations.Migration):
    dependencies = [("calls", "0008_what_was_said")]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]

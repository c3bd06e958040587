from django.contrib.auth.management import create_permissions
from django.db import migrations

from calls.roles import make_groups


def make_roles(apps, schema_editor):
    """Permissions are made after all migrations are run; the groups need them now."""
    for label in ("auth", "calls"):
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, verbosity=0, interactive=False, using=schema_editor.connection.alias, apps=apps)
        config.models_module = None
    make_groups(apps.get_model("auth", "Group"), apps.get_model("auth", "Permission"))


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0003_audit"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]

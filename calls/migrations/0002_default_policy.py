from django.db import migrations


def add_default_policy(apps, schema_editor):
    """Without a policy of its own a new portal answers every call, so that there is something to see."""
    apps.get_model("calls", "CallPolicy").objects.get_or_create(
        name="Everyone else", defaults={"position": 1000, "action": "answer"}
    )


class Migration(migrations.Migration):
    dependencies = [("calls", "0001_first")]
    operations = [migrations.RunPython(add_default_policy, migrations.RunPython.noop)]

from django.db import migrations

from calls.operations import search_index


def make(apps, schema_editor):
    search_index.make(schema_editor.connection)


def drop(apps, schema_editor):
    search_index.drop(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("calls", "0009_rights_to_keep")]
    operations = [migrations.RunPython(make, drop)]

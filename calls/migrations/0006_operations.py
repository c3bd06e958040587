import uuid

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0005_processes")]

    operations = [
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("kind", models.CharField(max_length=40)),
                (
                    "period",
                    models.CharField(
                        blank=True, help_text="Of a job that recurs: one each.", max_length=20, null=True
                    ),
                ),
                ("args", models.JSONField(default=dict, help_text="Ids only.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        db_index=True,
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("tries", models.PositiveIntegerField(default=0)),
                ("asked_by", models.CharField(blank=True, max_length=150)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, help_text="After this its worker is taken for dead.", null=True),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("result", models.CharField(blank=True, max_length=200)),
                (
                    "error",
                    models.CharField(blank=True, help_text="The last line of what went wrong.", max_length=300),
                ),
                (
                    "task_id",
                    models.CharField(blank=True, help_text="Its newest row in the worker's own table.", max_length=40),
                ),
            ],
            options={
                "ordering": ("-created_at", "-id"),
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "period"), name="a_job_recurs_once_a_period")
                ],
            },
        ),
        migrations.AddField(
            model_name="process",
            name="kind",
            field=models.CharField(
                choices=[("portal", "portal"), ("jobs", "job worker")], default="portal", max_length=8
            ),
        ),
        migrations.AddField(
            model_name="process",
            name="supervisor",
            field=models.PositiveIntegerField(default=0, help_text="The process that started it, on the same host."),
        ),
        migrations.AddField(
            model_name="process",
            name="draining",
            field=models.BooleanField(default=False, help_text="It was asked to end and takes no new calls."),
        ),
        migrations.AddField(
            model_name="process",
            name="facts",
            field=models.JSONField(default=dict, help_text="What it says of itself each 2 s."),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("activities", "0005_outreach_and_library"),
    ]

    operations = [
        migrations.AlterConstraint(
            model_name="activity",
            name="activity_p_done_within_0_1",
            constraint=models.CheckConstraint(
                condition=models.Q(("p_done__gt", 0), ("p_done__lte", 1)),
                name="activity_p_done_within_0_1",
                violation_error_message="Enter a share above 0 and up to 1.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="activity",
            name="activity_skill_gain_within_0_1",
            constraint=models.CheckConstraint(
                condition=models.Q(("skill_gain__gte", 0), ("skill_gain__lte", 1)),
                name="activity_skill_gain_within_0_1",
                violation_error_message="Enter a share from 0 to 1.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="activity",
            name="activity_credit_days_sensible",
            constraint=models.CheckConstraint(
                condition=models.Q(("credit_days__gte", 1), ("credit_days__lte", 90)),
                name="activity_credit_days_sensible",
                violation_error_message="Enter 1 to 90 days.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="activity",
            name="activity_minutes_sensible",
            constraint=models.CheckConstraint(
                condition=models.Q(("minutes__gte", 1), ("minutes__lte", 120)),
                name="activity_minutes_sensible",
                violation_error_message="Enter 1 to 120 minutes.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="activity",
            name="activity_skill_gain_needs_a_skill",
            constraint=models.CheckConstraint(
                condition=models.Q(("skill__isnull", False), ("skill_gain", 0), _connector="OR"),
                name="activity_skill_gain_needs_a_skill",
                violation_error_message="A skill gain needs the skill it is of.",
            ),
        ),
        migrations.AlterConstraint(
            model_name="skill",
            name="skill_wanted_within_0_1",
            constraint=models.CheckConstraint(
                condition=models.Q(("wanted__gt", 0), ("wanted__lte", 1)),
                name="skill_wanted_within_0_1",
                violation_error_message="Enter a share above 0 and up to 1.",
            ),
        ),
    ]

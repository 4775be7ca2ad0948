"""What a person has unlinked is kept: allauth's own row is written anew at each login."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_platform_audit'),
        ('socialaccount', '0006_alter_socialaccount_extra_data'),
    ]

    operations = [
        migrations.AlterField(
            model_name='emailcode',
            name='purpose',
            field=models.CharField(choices=[('register', 'registration'), ('resend', 'the code once more'), ('reset', 'a new password'), ('changed', 'word of a changed password'), ('move', 'a new address'), ('move_asked', 'word of a change of address that was asked for'), ('moved', 'word of a changed address'), ('totp_on', 'word of two-step login turned on'), ('totp_off', 'word of two-step login turned off'), ('new_codes', 'word of new recovery codes'), ('linked', 'word of a login through another service'), ('unlinked', 'word of an unlinked service')], max_length=10),
        ),
        migrations.CreateModel(
            name='Unlinking',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='unlinking', to='socialaccount.socialaccount')),
            ],
        ),
    ]

# SPDX-License-Identifier: MIT
"""What runs each fenced block of README and docs. A block that is not here fails test_documents.py.

For each page, its blocks in their order: (how its first line starts, how it is checked, where or
why). Every block is parsed as its language besides.
"""

RUN = "run"        # The test that is named takes the block from the page.
# The tests that are named run the same, and do not read the page: they name what the block names
# (same_blocks.py).
SAME = "same"
OUTPUT = "output"  # The test that is named compares it with what is printed.
PARSED = "parsed"  # Nothing here can run it: the reason.
LAYOUT = "layout"  # No commands: bytes of a file, a drawing.

AWS = "needs AWS"
CLUSTER = "needs a cluster"
SERVICE = "needs systemd as the first process"
INSTALLED = "needs an installed server; its keyringctl lines: tests/cli/test_documented_commands.py"

BYTES = ("", LAYOUT, "")

BLOCKS = {
    "README.md": [
        ("./dev package", RUN, "tests/packages/test_life.py"),
        ("$ sudo mariadb", OUTPUT, "tests/packages/test_life.py"),
        ("MariaDB  ", LAYOUT, ""),
        ("./dev demo", SAME, "tools/run_tests"),
        ("sudo tee /etc/mysql/mariadb.conf.d", RUN, "tests/e2e/test_encrypt_everything.py"),
        ("sudo install -d", RUN, "tests/e2e/test_encrypt_everything.py"),
    ],
    "docs/aws.md": [
        ("[profile prod]", SAME,
         "src/aws/credentials/profile_role_test.cc src/aws/profile_file_test.cc"),
        ("{", RUN, "tests/e2e/test_guide_rights.py"),
        ("{", RUN, "tests/e2e/test_guide_rights.py"),
    ],
    "docs/aws_key_management.md": [
        ("[mariadb]", RUN, "tests/e2e/test_encrypt_everything.py"),
        ("systemctl stop mariadb", SAME, "tests/cli/test_key_set_slots.py"),
        ("SET GLOBAL", RUN, "tests/e2e/test_aws_destroy.py"),
        ("SELECT NAME", RUN, "tests/e2e/test_aws_destroy.py"),
        ("SELECT CONCAT", RUN, "tests/e2e/test_aws_destroy.py"),
        ("FLUSH BINARY LOGS", RUN, "tests/e2e/test_aws_destroy.py"),
    ],
    "docs/kmip_key_management.md": [
        ("[mariadb]", RUN, "tests/e2e/test_encrypt_everything.py"),
    ],
    "docs/component_keyring_kms.md": [
        ('{ "components"', SAME, "tests/e2e/test_mysql_manifest.py"),
        ('{ "path"', SAME, "tests/e2e/test_mysql_kms_main_path.py"),
        ("sudo install -d", PARSED, INSTALLED),
        ("[mysqld]", RUN, "tests/e2e/test_encrypt_everything.py"),
        ("{", SAME, "tests/e2e/test_mysql_slots.py"),
        ("openssl genpkey", SAME, "tests/e2e/test_mysql_slots.py"),
        ("python3 recover_sealed_keyring.py", SAME, "tests/e2e/test_mysql_slots.py"),
        ("head -c 32 /dev/urandom", PARSED, "needs a TPM, and " + SERVICE.removeprefix("needs ")),
        ('"local_unlock_file"', SAME, "tests/e2e/test_mysql_slots.py"),
        ("spec:", PARSED, CLUSTER),
        ('"local_unlock_file"', SAME, "tests/e2e/test_mysql_slots.py"),
        ("sudo -u mysql mysql_migrate_keyring", SAME, "tests/e2e/test_mysql_kms_main_path.py"),
    ],
    "docs/component_keyring_kmip.md": [
        ('{ "components"', SAME, "tests/e2e/test_mysql_kmip_main_path.py"),
        ('{ "server_addr"', SAME, "tests/e2e/test_mysql_kmip_group.py"),
        ("[mysqld]", RUN, "tests/e2e/test_encrypt_everything.py"),
    ],
    "docs/keyring_aws.md": [
        ("sudo install -d", PARSED, INSTALLED),
        ("[mysqld]", SAME, "tests/e2e/test_keyring_aws_main_path.py"),
        ("CREATE FUNCTION", SAME, "tests/e2e/test_keyring_aws_main_path.py"),
        ("[mysqld]", RUN, "tests/e2e/test_encrypt_everything.py"),
        ("mysqld --keyring-migration-source", SAME, "tests/e2e/test_keyring_aws_main_path.py"),
    ],
    "docs/encrypt_everything.md": [
        (start, RUN, "tests/e2e/test_encrypt_everything.py") for start in (
            "[mariadb]", "SELECT s.name", "SELECT CONCAT", "SELECT CONCAT", "SET GLOBAL",
            "SELECT name", "[mysqld]", "ALTER TABLESPACE", "SELECT CONCAT", "SELECT name",
            "SELECT CONCAT", "CREATE UNDO", "ALTER UNDO", "ALTER UNDO", "SELECT name")
    ],
    "docs/file_formats.md": [
        BYTES, BYTES,
        ("python3 - aws-kms-key.1.1", RUN, "tests/e2e/test_recovery_by_hand.py"),
        BYTES, BYTES, BYTES,
        ("python3 docs/recover_sealed_keyring.py --blob", SAME,
         "tests/formats/test_sealed_keyring.py"),
        ("python3 docs/recover_sealed_keyring.py --private", SAME,
         "tests/formats/test_sealed_vectors.py"),
        BYTES, BYTES, BYTES,
        ("python3 - FILE k", RUN, "tests/e2e/test_recovery_by_hand.py"),
        ("aws kms encrypt", PARSED, AWS),
        BYTES,
        ("python3 - keyring_aws_data", RUN, "tests/e2e/test_recovery_by_hand.py"),
        BYTES, BYTES, BYTES, BYTES, BYTES, BYTES,
    ],
    "docs/keyringctl.md": [
        ("keyringctl check", SAME, "tests/cli/test_documented_commands.py"),
        *[("$ keyringctl", OUTPUT, "tests/cli/test_pictures.py")] * 5,
        ("keyringctl check --login-file", SAME, "tests/e2e/test_check_running_server.py"),
        ("systemctl stop mysql", SAME, "tests/cli/test_convert.py"),
        ("systemctl stop mysql", SAME, "tests/cli/test_migrate.py"),
        ("systemctl stop mariadb", SAME, "tests/cli/test_migrate_mariadb.py"),
        ("keyringctl backup", SAME, "tests/cli/test_backup.py"),
        ("systemctl stop mariadb", SAME, "tests/cli/test_rewrap.py"),
        ("keyringctl slot list", SAME, "tests/cli/test_slots.py"),
        ("keyringctl recover", SAME, "tests/cli/test_slots.py"),
        ("keyringctl init", SAME, "tests/cli/test_init.py"),
    ],
    "docs/monitoring.md": [
        ("SHOW GLOBAL STATUS", SAME, "tests/e2e/test_monitoring.py"),
        ("apt-get install prometheus-mysqld-exporter", SAME, "tests/e2e/test_monitoring.py"),
        ("rule_files", SAME, "tests/e2e/test_monitoring.py"),
        ("apt-get install prometheus-node-exporter", PARSED, SERVICE),
    ],
    "docs/packages.md": [
        ("sudo install -d -m 700", PARSED, SERVICE),
        ("[Unit]", SAME, "tests/packages/test_tools.py"),
        ("sudo systemd-run", PARSED, SERVICE),
        ("sudo apt install", SAME, "tests/packages/test_life.py"),
    ],
    "docs/release.md": [
        ("gpg --verify", SAME, "tests/packages/test_release.py"),
    ],
    "SECURITY.md": [
        ("gpg --verify", SAME, "tests/packages/test_release.py"),
    ],
    "docs/recipes/another_region.md": [
        (start, RUN, "tests/e2e/test_recipe_region.py") for start in (
            "{", "[mariadb]", "sudo -u mysql keyringctl slot list",
            "sudo -u mysql keyringctl check", "sudo -u mysql keyringctl slot remove")
    ],
    "docs/recipes/aws_identity.md": [
        ("aws ec2", PARSED, AWS),
        ("{", PARSED, AWS),
        ("AWS_ROLE_ARN", RUN, "tests/e2e/test_recipe_identity.py"),
        ("{", PARSED, AWS),
        ("aws eks", PARSED, AWS),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", RUN, "tests/e2e/test_recipe_identity.py"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", RUN, "tests/e2e/test_recipe_identity.py"),
    ],
    "docs/recipes/backup.md": [
        ("mariadb-backup --backup", RUN, "tests/e2e/test_recipe_backup.py"),
        ("mariadb-backup --copy-back", RUN, "tests/e2e/test_recipe_backup.py"),
        ("keyringctl backup", RUN, "tests/e2e/test_recipe_backup.py"),
        ("keyringctl restore", RUN, "tests/e2e/test_recipe_backup.py"),
        ("xtrabackup", PARSED, "needs XtraBackup"),
    ],
    "docs/recipes/docker.md": [
        ("FROM mariadb", RUN, "tests/packages/test_images.py"),
        ("FROM mysql", RUN, "tests/packages/test_images.py"),
        ("FROM percona", RUN, "tests/packages/test_images.py"),
        ("docker build", PARSED, "needs Docker"),
    ],
    "docs/recipes/kubernetes.md": [
        (start, RUN, "tests/tools/test_recipes.py") for start in (
            "apiVersion: v1", "apiVersion: ps.", "apiVersion: pxc.", "apiVersion: k8s.",
            "apiVersion: k8s.")
    ],
    "docs/recipes/replication.md": [
        ("[mariadb]", RUN, "tests/e2e/test_galera.py"),
    ],
    "tests/README.md": [
        ("long()", PARSED, "these are the tests"),
        ("cd $(mktemp -d)", SAME, "tests/models/test_models.py"),
    ],
}

BY_PREFIX = "lab/aws_keyring_plugin.py puts the names together"
# Names of a SAME block that its test does not have: the reason.
OTHER_NAMES = {
    ("docs/keyring_aws.md", "[mysqld]"): {"keyring_aws_conf_file": BY_PREFIX},
    ("docs/keyring_aws.md", "mysqld --keyring-migration-source"): {
        name: BY_PREFIX for name in ("--keyring-migration-from-component",
                                     "--keyring-migration-to-component",
                                     "--keyring_aws_conf_file")},
    ("docs/file_formats.md", "python3 docs/recover_sealed_keyring.py --blob"): {
        name: AWS for name in ("--ciphertext-blob", "--encryption-context", "--query")},
}

//! One cluster for a command and everything it starts.

use std::process::{Command, Output};

fn cluster(script: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_testkit-cluster"))
        .args(["--", "sh", "-c", script])
        .env_remove("MSGFLASH_TEST_DATABASE_URL")
        .output()
        .expect("the program was built with this test")
}

#[test]
fn names_the_server_to_the_command_and_answers_with_its_code() {
    let output = cluster("echo \"$MSGFLASH_TEST_DATABASE_URL\"; exit 7");

    let url = String::from_utf8(output.stdout).unwrap();
    assert!(url.starts_with("postgresql://msgflash@%2F"), "{url}");
    assert_eq!(output.status.code(), Some(7));
    let socket = url.trim().replace("%2F", "/");
    let socket = socket
        .trim_start_matches("postgresql://msgflash@")
        .trim_end_matches("/msgflash");
    assert!(!std::path::Path::new(socket).join(".s.PGSQL.5432").exists());
}

#[test]
fn passes_a_signal_on_and_stops_with_the_command() {
    // The command asks its parent to end, and ends when it is asked itself.
    let output = cluster(
        "trap 'exit 42' TERM; kill -s TERM $PPID; \
         tries=0; while [ $((tries += 1)) -lt 1000 ]; do sleep 0.01; done",
    );
    assert_eq!(output.status.code(), Some(42));
}

#[test]
fn answers_with_the_first_failure_of_several_commands() {
    let output = Command::new(env!("CARGO_BIN_EXE_testkit-cluster"))
        .args([
            "sh",
            "-c",
            "exit 3",
            "--then",
            "sh",
            "-c",
            "echo second; exit 4",
        ])
        .env("MSGFLASH_TEST_DATABASE_URL", "postgres://chosen/one")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "second");
}

#[test]
fn a_signal_ends_the_command_and_keeps_the_next_from_starting() {
    let script = "trap 'exit 0' TERM; kill -s TERM $PPID; \
                  tries=0; while [ $((tries += 1)) -lt 1000 ]; do sleep 0.01; done";
    let output = Command::new(env!("CARGO_BIN_EXE_testkit-cluster"))
        .args(["sh", "-c", script, "--then", "echo", "second"])
        .env("MSGFLASH_TEST_DATABASE_URL", "postgres://chosen/one")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "");
}

#[test]
fn a_command_killed_by_a_signal_counts_as_the_shell_counts() {
    assert_eq!(cluster("kill -s KILL $$").status.code(), Some(137));
}

#[test]
fn a_server_that_was_chosen_is_used_as_it_is() {
    let output = Command::new(env!("CARGO_BIN_EXE_testkit-cluster"))
        .args(["sh", "-c", "echo $MSGFLASH_TEST_DATABASE_URL"])
        .env("MSGFLASH_TEST_DATABASE_URL", "postgres://chosen/one")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().trim(),
        "postgres://chosen/one"
    );
}

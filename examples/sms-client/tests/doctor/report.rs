use std::fs;

use gateway_emulator::Options;

use super::{
    File, PASSWORD, busy,
    common::{Running, command, fails, gateway_with, run_command},
    examine,
};

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_report() {
    use std::os::unix::fs::PermissionsExt;
    let (gateway, file) = (gateway_with(Options::default()).await, File::new("owner"));
    examine(&gateway, &["--report", file.path()]).await;
    assert_eq!(fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_file_that_exists_is_neither_overwritten_nor_followed() {
    let (gateway, file) = (gateway_with(Options::default()).await, File::new("exists"));
    fs::write(&file.0, "mine").unwrap();
    let run = run_command(command(&gateway, &["doctor", "--report", file.path()])).await;
    fails(&run, 2, &["exists already", file.path()]);
    assert_eq!((&*run.out, gateway.requests().len(), &*file.read()), ("", 0, "mine"));
    #[cfg(unix)]
    {
        let link = File::new("link");
        std::os::unix::fs::symlink(File::new("target").path(), link.path()).unwrap();
        fails(
            &run_command(command(&gateway, &["doctor", "--report", link.path()])).await,
            2,
            &["exists already"],
        );
        assert!(!File::new("target").0.exists());
    }
}

#[tokio::test]
async fn a_report_that_cannot_be_written_is_an_error_before_the_gateway_is_asked() {
    let gateway = busy("none", Options::default()).await;
    let before = gateway.requests().len();
    let run = run_command(command(&gateway, &["doctor", "--report", "/no/such/folder/report.json"])).await;
    fails(&run, 1, &["/no/such/folder/report.json"]);
    assert_eq!(gateway.requests().len(), before);
}

#[tokio::test]
async fn no_report_is_left_of_an_examination_that_does_not_begin() {
    let (gateway, file) = (gateway_with(Options::default()).await, File::new("none"));
    let run =
        run_command(command(&gateway, &["doctor", "--report", file.path(), "--pin", "sha256:xyz"])).await;
    assert_eq!(run.code, Some(2));
    assert!(!file.0.exists());
}

#[tokio::test]
async fn a_gateway_that_is_not_reached_has_a_report_too() {
    let (gateway, file) = (gateway_with(Options::default()).await, File::new("unreached"));
    let (_, code) = examine(&gateway, &["--report", file.path(), "--gateway", "http://127.0.0.1:9"]).await;
    assert_eq!(code, Some(4));
    assert!(file.read().contains("unreachable") && !file.read().contains("127.0.0.1"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_report_is_written_whole_or_not_at_all() {
    let (gateway, file) = (gateway_with(Options::default()).await, File::new("whole"));
    // `true` does not read the output.
    let line = format!("{} doctor --report {} | true", env!("CARGO_BIN_EXE_sms-client"), file.path());
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", &line]).env("SMS_GATEWAY", gateway.url()).env("SMS_GATEWAY_USER", "admin");
    shell.env("SMS_GATEWAY_PASSWORD", PASSWORD).status().await.unwrap();
    let is_cut_off = !file.0.exists();
    assert!(is_cut_off || file.read().ends_with("\n}\n"));
    // An interrupt leaves no incomplete file behind.
    let file = File::new("interrupted");
    let running = Running::new(command(&gateway, &["doctor", "--report", file.path()]));
    gateway.counts_when(|counts| counts.requests > 0).await;
    running.stop().await;
    assert!(!file.0.exists() || file.read().ends_with("\n}\n"));
}

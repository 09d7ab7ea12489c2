//! `openssl s_server` as a gateway, with certificates made by `openssl`.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
};

use sms_gateway::{
    Builder, Error, Gateway,
    tls::{
        Certificate, Pin, RootCertificates,
        rustls::pki_types::{CertificateDer, pem::PemObject},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
};

/// Returns from a test if there is no openssl. The skipped test is reported even if the output of tests is captured. If the
/// environment variable `REQUIRE_OPENSSL` is set, a test without openssl fails.
#[macro_export]
macro_rules! needs_openssl {
    () => {
        if std::process::Command::new("openssl").arg("version").output().is_err() {
            assert!(std::env::var_os("REQUIRE_OPENSSL").is_none(), "there is no `openssl` program");
            let line = format!("SKIPPED, there is no `openssl` program: {}\n", module_path!());
            std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
            return;
        }
    };
}

/// The response of the servers, with the number of waiting messages.
const RESPONSE: &str = "HTTP/1.0 200 OK\r\n\r\n{\"error_code\":200,\"in_queue\":3}";
pub(crate) const IN_QUEUE: Option<u32> = Some(3);

/// A folder with a certificate, its key, and the response of the servers.
pub(crate) struct Identity {
    folder: PathBuf,
}

/// The kind of the certificate of an [`Identity`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The arguments of `openssl genpkey`.
    pub(crate) key: &'static [&'static str],
    /// The argument for the hash of the certificate's signature, for example `-sha256`.
    pub(crate) hash: &'static str,
    pub(crate) form: Form,
}

/// The form of a certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// Version 3, with this extension (`subjectAltName=…`) if there is one.
    Valid(Option<&'static str>),
    /// Version 1.
    Version1,
    /// Version 3, valid in 2020.
    Expired,
}

pub(crate) const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
pub(crate) const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
pub(crate) const THIS_HOST: &str = "subjectAltName=IP:127.0.0.1";

impl Kind {
    pub(crate) const PLAIN: Self = Self { key: P256, hash: "-sha256", form: Form::Valid(None) };

    pub(crate) const fn form(form: Form) -> Self {
        Self { form, ..Self::PLAIN }
    }
}

fn openssl(folder: &Path, args: &[&str]) {
    let output = std::process::Command::new("openssl").current_dir(folder).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Signs the certificate of `request.pem`.
fn sign(folder: &Path, args: &[&str]) {
    std::fs::write(folder.join("index"), "").unwrap();
    let config = "[ca]\ndefault_ca=x\n[x]\ndatabase=index\nrand_serial=yes\nnew_certs_dir=.\ndefault_md=sha256\n\
                  default_days=30\npolicy=p\n[p]\norganizationName=optional\ncommonName=supplied\n";
    std::fs::write(folder.join("config"), config).unwrap();
    let request = ["ca", "-config", "config", "-batch", "-notext", "-in", "request.pem", "-out", "cert.pem"];
    openssl(folder, &[&request[..], args].concat());
}

impl Identity {
    pub(crate) fn new(kind: Kind) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tls-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(folder.join("api")).unwrap();
        std::fs::write(folder.join("api/query_sms_in_queue"), RESPONSE).unwrap();
        openssl(&folder, &[&["genpkey", "-out", "key.pem"], kind.key].concat());
        let request =
            ["req", "-new", "-key", "key.pem", "-subj", "/O=Example/CN=box\u{7}", "-utf8", kind.hash];
        match kind.form {
            Form::Valid(extension) => {
                let extension = extension.map(|extension| ["-addext", extension]);
                let extension = extension.as_ref().map_or(&[][..], |extension| &extension[..]);
                openssl(
                    &folder,
                    &[&request[..], &["-x509", "-days", "30", "-out", "cert.pem"], extension].concat(),
                );
            }
            Form::Version1 => {
                openssl(&folder, &[&request[..], &["-out", "request.pem"]].concat());
                let sign = ["x509", "-req", "-in", "request.pem", "-signkey", "key.pem", "-days", "30"];
                openssl(&folder, &[&sign[..], &[kind.hash, "-out", "cert.pem"]].concat());
            }
            Form::Expired => {
                openssl(&folder, &[&request[..], &["-out", "request.pem"]].concat());
                let dates = ["-startdate", "20200101000000Z", "-enddate", "20201231000000Z"];
                sign(&folder, &[&["-selfsign", "-keyfile", "key.pem"][..], &dates].concat());
            }
        }
        Self { folder }
    }

    /// Creates an identity with a certificate that this identity issues.
    pub(crate) fn issue(&self, extension: &str, dates: &[&str]) -> Self {
        self.issue_to(Self::new(Kind::PLAIN), extension, dates)
    }

    /// Issues another certificate to an identity. Without an extension, the certificate has version 1.
    pub(crate) fn issue_to(&self, issued: Self, extension: &str, dates: &[&str]) -> Self {
        openssl(
            &issued.folder,
            &["req", "-new", "-key", "key.pem", "-subj", "/CN=box", "-out", "request.pem"],
        );
        std::fs::write(issued.folder.join("extensions"), extension).unwrap();
        let (certificate, key) = (self.path("cert.pem"), self.path("key.pem"));
        let authority = ["-cert", &certificate, "-keyfile", &key, "-extfile", "extensions"];
        sign(&issued.folder, &[&authority[..], dates].concat());
        issued
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// The certificate in PEM.
    pub(crate) fn pem(&self) -> Vec<u8> {
        std::fs::read(self.folder.join("cert.pem")).unwrap()
    }

    pub(crate) fn key_pem(&self) -> Vec<u8> {
        std::fs::read(self.folder.join("key.pem")).unwrap()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(&self.pem()).unwrap()
    }

    pub(crate) fn roots(&self) -> RootCertificates {
        RootCertificates::from_pem(&self.pem()).unwrap()
    }

    pub(crate) fn pin(&self) -> Pin {
        Certificate::from_der(&self.der()).pin()
    }

    pub(crate) fn key_pin(&self) -> Pin {
        Certificate::from_der(&self.der()).key_pin().unwrap()
    }

    /// Starts a server that answers query_sms_in_queue over TLS.
    pub(crate) async fn serve(&self, args: &[&str]) -> Peer {
        self.start(&[&["-HTTP"], args].concat()).await
    }

    /// Starts a server that prints what it decrypts.
    pub(crate) async fn listen(&self, args: &[&str]) -> Peer {
        self.start(args).await
    }

    async fn start(&self, args: &[&str]) -> Peer {
        // The server writes errors and requests to different streams.
        let mut command = Command::new("sh");
        command.current_dir(&self.folder).args(["-c", r#"exec openssl "$@" 2>&1"#, "sh", "s_server"]);
        command.args(["-accept", "127.0.0.1:0", "-cert", "cert.pem", "-key", "key.pem"]).args(args);
        // A server of `listen` ends when its input ends, so the input is a pipe that stays open.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        let address = loop {
            let from = printed.len();
            assert_ne!(output.read_line(&mut printed).await.unwrap(), 0, "the server has ended: {printed}");
            if let Some(address) = printed[from..].strip_prefix("ACCEPT ") {
                break address.trim_end().to_owned();
            }
        };
        Peer { child, output, address }
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A running server.
pub(crate) struct Peer {
    child: Child,
    output: BufReader<ChildStdout>,
    pub(crate) address: String,
}

impl Peer {
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn builder(&self) -> Builder {
        Gateway::builder(&self.url()).credentials("admin", "secret")
    }

    /// Makes a call without a pin.
    pub(crate) async fn call(&self) -> Result<Option<u32>, Error> {
        call(self.builder()).await
    }

    /// Returns the output of the server up to the line with these words.
    pub(crate) async fn printed(&mut self, words: &str) -> String {
        let mut printed = Vec::new();
        while !String::from_utf8_lossy(&printed).contains(words) {
            let read = self.output.read_until(b'\n', &mut printed).await.unwrap();
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&printed));
        }
        String::from_utf8_lossy(&printed).into_owned()
    }

    /// Ends the server, and returns its remaining output.
    pub(crate) async fn end(mut self) -> String {
        self.child.kill().await.unwrap();
        let mut printed = Vec::new();
        self.output.read_to_end(&mut printed).await.unwrap();
        String::from_utf8_lossy(&printed).into_owned()
    }
}

/// Queries the number of waiting messages.
pub(crate) async fn call(builder: Builder) -> Result<Option<u32>, Error> {
    builder.build().unwrap().query_sms_in_queue().await
}

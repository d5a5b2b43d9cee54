//! A real PostgreSQL server, of the system's own package: one for each program of tests, in a folder and on a port of its own,
//! which ends when the program does, however that ends. Where none is installed, who asks is told so and leaves its test out.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Who owns the tables.
pub(crate) const USER: &str = "crm2capi";
pub(crate) const PASSWORD: &str = "s3cr3t";

/// The server of this program.
pub(crate) struct Server {
    folder: PathBuf,
    pub(crate) port: u16,
    /// Whose end of standard input, once closed, ends the server.
    _keeper: Child,
}

/// A database of its own for one test.
pub(crate) struct Database {
    server: &'static Server,
    pub(crate) name: String,
}

impl Database {
    /// Nothing where PostgreSQL is not installed.
    pub(crate) fn new() -> Option<Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let start = || Server::start("", &[]);
        Some(Self::on(SERVER.get_or_init(start).as_ref()?))
    }

    pub(crate) fn on(server: &'static Server) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("ledger_{}", COUNT.fetch_add(1, Ordering::SeqCst));
        server.sql("postgres", &format!("CREATE DATABASE {name}"));
        Self { server, name }
    }

    /// Its address, with the password.
    pub(crate) fn url(&self) -> String {
        self.url_at(self.server.port)
    }

    /// Its address where another port leads to it.
    pub(crate) fn url_at(&self, port: u16) -> String {
        format!(
            "postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/{}",
            self.name
        )
    }

    /// What a statement answers, its columns separated by bars.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }
}

impl Server {
    /// Starts a server with further options, and files in the folder above its data that only it may read.
    pub(crate) fn start(options: &str, files: &[(&str, String)]) -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let Some(programs) = programs() else {
            eprintln!("left out: PostgreSQL is not installed, so its ledger is not tested here");
            return None;
        };
        let owner = owner();
        let (id, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let folder = std::env::temp_dir().join(format!("crm2capi-postgres-{id}-{count}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        system::give(&folder, owner);
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
            system::give_alone(&folder.join(name), owner);
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        std::fs::write(folder.join("password"), PASSWORD).unwrap();
        let mut initdb = Command::new(programs.join("initdb"));
        initdb
            .args([
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "--auth=scram-sha-256",
            ])
            .arg(format!("--username={USER}"))
            .arg("--pwfile")
            .arg(folder.join("password"))
            .arg("-D")
            .arg(folder.join("data"))
            .current_dir(&folder);
        let made = system::run_as(&mut initdb, owner).output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let script = format!(
            "'{}/postgres' -D data -h 127.0.0.1 -p {port} -k '' -c fsync=off -c max_connections=60 \
               -c log_statement=none {options} >log 2>&1 & server=$!; read end; kill -INT $server; wait $server; rm -rf \"$PWD\"",
            programs.display()
        );
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script])
            .current_dir(&folder)
            .stdin(Stdio::piped());
        let keeper = system::run_as(&mut shell, owner).spawn().unwrap();
        let server = Self {
            folder,
            port,
            _keeper: keeper,
        };
        server.wait();
        Some(server)
    }

    fn wait(&self) {
        let start = Instant::now();
        while !self.is_ready() {
            assert!(start.elapsed() < Duration::from_secs(60), "{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What it has written so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn is_ready(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && self.ask("postgres", "SELECT 1").is_ok()
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        self.ask(database, sql).unwrap()
    }

    /// By a connection, not by a program: while one is started it holds whatever locks this one has.
    fn ask(&self, database: &str, sql: &str) -> Result<String, tokio_postgres::Error> {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).dbname(database);
        config.user(USER).password(PASSWORD);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let messages = runtime.block_on(async {
            let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            client.simple_query(sql).await
        })?;
        let rows = messages.iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                let cells = (0..row.len()).map(|index| row.get(index).unwrap_or_default());
                Some(cells.collect::<Vec<_>>().join("|"))
            }
            _ => None,
        });
        Ok(rows.collect::<Vec<_>>().join("\n"))
    }
}

/// The newest of the versions that Debian keeps apart, or what the path names.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let found = versions.map(|version| version.path().join("bin"));
    let found = found.filter(|programs| programs.join("initdb").is_file());
    let newest = found.max_by_key(|programs| {
        let version = programs.parent().and_then(Path::file_name);
        version.and_then(|version| version.to_str()?.parse::<u32>().ok())
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest.or_else(|| std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file()))
}

/// Who runs the server: it refuses to run as root.
fn owner() -> (u32, u32) {
    let number = |args: &[&str]| {
        let asked = Command::new("id").args(args).output().ok();
        let asked = asked.filter(|asked| asked.status.success());
        asked.and_then(|asked| {
            String::from_utf8(asked.stdout)
                .ok()?
                .trim()
                .parse::<u32>()
                .ok()
        })
    };
    let own = (number(&["-u"]).unwrap(), number(&["-g"]).unwrap());
    match own {
        (0, _) => ["postgres", "nobody"]
            .iter()
            .find_map(|user| Some((number(&["-u", user])?, number(&["-g", user])?)))
            .unwrap(),
        own => own,
    }
}

/// Users and groups by their numbers.
#[cfg(unix)]
mod system {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    use super::{Command, Path};

    pub(super) fn give(folder: &Path, (user, group): (u32, u32)) {
        std::os::unix::fs::chown(folder, Some(user), Some(group)).unwrap();
    }

    /// A file that nobody else may read then.
    pub(super) fn give_alone(file: &Path, owner: (u32, u32)) {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        give(file, owner);
    }

    pub(super) fn run_as(command: &mut Command, (user, group): (u32, u32)) -> &mut Command {
        command.uid(user).gid(group)
    }
}

/// Where there are no such numbers, no server is found either.
#[cfg(not(unix))]
mod system {
    use super::{Command, Path};

    pub(super) fn give(_: &Path, _: (u32, u32)) {}

    pub(super) fn give_alone(_: &Path, _: (u32, u32)) {}

    pub(super) fn run_as(command: &mut Command, _: (u32, u32)) -> &mut Command {
        command
    }
}

//! How a host is reached: as ssh's own configuration says. The program ssh itself is asked (`ssh -G`), so that aliases, `Match` and
//! `Include` mean here what they mean there.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::address::Address;
use super::error::SshError;
use super::known_hosts::Names;
use super::proxy::Proxy;
use crate::devices::notice::Notice;

/// Key files where none is named.
const KEY_FILES: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];
/// Settings that change how a host is reached or who is let in, and that are not used here.
const UNUSED: [&str; 6] =
    ["certificatefile", "pkcs11provider", "knownhostscommand", "bindaddress", "bindinterface", "securitykeyprovider"];

/// How a host is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who logs in.
    pub user: String,
    /// The host's name or number.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// A name of its own in the files of known hosts.
    pub alias: Option<String>,
    /// Key files; those that do not exist too.
    pub identities: Vec<PathBuf>,
    /// Whether no other keys may be used, though the agent has them.
    pub identities_only: bool,
    /// Where the agent listens; `None` for the usual place, an empty path for no agent.
    pub agent: Option<PathBuf>,
    /// Files of known hosts, the user's before the machine's.
    pub known_hosts: Vec<PathBuf>,
    /// A file of keys that no host may have.
    pub revoked: Option<PathBuf>,
    /// What to go through.
    pub proxy: Option<Proxy>,
    /// Whether ssh itself would let unknown hosts in.
    pub lax: bool,
    /// The file of the user's configuration, where it is not the one that ssh reads by itself.
    pub file: Option<PathBuf>,
    /// What the user should know of it.
    pub notices: Vec<Notice>,
}

/// Whose settings: the folder that `~` stands for here, and the one that ssh takes it for, which looks at the list of users alone.
#[derive(Clone, Debug)]
pub struct Home {
    /// Of the environment.
    pub own: PathBuf,
    /// Of the list of users.
    pub listed: PathBuf,
}

impl Home {
    /// This user's.
    pub fn find() -> Self {
        let user = nix::unistd::User::from_uid(nix::unistd::Uid::current()).ok().flatten();
        let own = std::env::home_dir().unwrap_or_default();
        Self { listed: user.map_or_else(|| own.clone(), |user| user.dir), own }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.own.join(".ssh").join(name)
    }

    /// The file of the user's configuration, where ssh would read another one by itself.
    fn config(&self) -> Option<PathBuf> {
        let file = self.at("config");
        (self.own != self.listed).then(|| if file.exists() { file } else { PathBuf::from("none") })
    }

    /// A path as ssh writes it.
    fn path(&self, text: &str) -> PathBuf {
        let text = text.trim();
        match text.strip_prefix("~/") {
            Some(rest) => self.own.join(rest),
            None => Path::new(text)
                .strip_prefix(self.listed.join(".ssh"))
                .map_or_else(|_| text.into(), |rest| self.own.join(".ssh").join(rest)),
        }
    }
}

impl Settings {
    /// Asks ssh; where that program is not there, what the address says and ssh's own defaults.
    ///
    /// # Errors
    /// [`SshError::Configuration`] where ssh does not take its configuration or the host's name.
    pub fn find(address: &Address, home: &Home) -> Result<Self, SshError> {
        let file = home.config();
        let mut command = Command::new("ssh");
        command.arg("-G").args(file.iter().flat_map(|file| [OsString::from("-F"), file.into()]));
        command.args(address.port.iter().flat_map(|port| ["-p".to_string(), port.to_string()]));
        command.args(address.user.iter().flat_map(|user| ["-l", user.as_str()]));
        let output = command.arg("--").arg(&address.host).stdin(Stdio::null()).output();
        let wrong = |said: String| SshError::Configuration { host: address.host.clone(), said };
        match output {
            Ok(output) if output.status.success() => {
                Self::parse(&String::from_utf8_lossy(&output.stdout), home, file).map_err(|s| wrong(s.to_string()))
            }
            Ok(output) => match String::from_utf8_lossy(&output.stderr).trim() {
                // In a container: ssh works for those in the list of users alone.
                said if said.starts_with("No user exists") => {
                    Self::unasked(address, home, "because ssh does not know this user (no entry in /etc/passwd)")
                }
                said => Err(wrong(said.to_string())),
            },
            Err(e) if e.kind() == ErrorKind::NotFound => {
                Self::unasked(address, home, "because the program ssh is not installed (Debian: package openssh-client)")
            }
            Err(e) => Err(wrong(e.to_string())),
        }
    }

    /// Where ssh cannot be asked.
    fn unasked(address: &Address, home: &Home, reason: &'static str) -> Result<Self, SshError> {
        let mut settings = Self::plain(address, home, own_name())?;
        let file = home.at("config");
        if file.exists() {
            settings.notices.push(Notice::ConfigurationUnread { file, reason });
        }
        Ok(settings)
    }

    /// Without ssh's configuration.
    fn plain(address: &Address, home: &Home, own_name: Option<String>) -> Result<Self, SshError> {
        let user = address.user.clone().or(own_name).filter(|user| !user.is_empty());
        let no_user = || SshError::Address { address: format!("ssh://{}", address.host), reason: "the user is missing" };
        Ok(Self {
            user: user.ok_or_else(no_user)?,
            host: address.host.clone(),
            port: address.port.unwrap_or(22),
            alias: None,
            identities: KEY_FILES.iter().map(|name| home.at(name)).collect(),
            identities_only: false,
            agent: None,
            known_hosts: ["known_hosts", "known_hosts2"]
                .map(|name| home.at(name))
                .into_iter()
                .chain(["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"].map(PathBuf::from))
                .collect(),
            revoked: None,
            proxy: None,
            lax: false,
            file: None,
            notices: Vec::new(),
        })
    }

    /// Reads what `ssh -G` wrote: a setting a line, its name in small letters.
    fn parse(text: &str, home: &Home, file: Option<PathBuf>) -> Result<Self, &'static str> {
        let all = |name: &'static str| {
            let lines = text.lines().filter_map(move |line| line.split_once(' ').filter(|(key, _)| *key == name));
            lines.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        // The names of options that are not set, and those of "none", are as good as missing.
        let one = |name| all(name).next().filter(|value| !value.eq_ignore_ascii_case("none"));
        let need = |name| one(name).ok_or("ssh -G does not print user, hostname and port");
        let (user, host) = (need("user")?.to_string(), need("hostname")?.to_string());
        let port: u16 = need("port")?.parse().map_err(|_| "ssh -G prints an invalid port")?;
        let number = port.to_string();
        let given = one("host").unwrap_or(&host).to_string();
        let own_name = own_name().unwrap_or_default();
        let folder = home.own.to_string_lossy();
        let tokens = |text: &str| {
            let (host, user) = (host.as_str(), user.as_str());
            expand(
                text,
                &[
                    ('h', host),
                    ('n', given.as_str()),
                    ('p', number.as_str()),
                    ('r', user),
                    ('d', folder.as_ref()),
                    ('u', own_name.as_str()),
                ],
            )
        };
        let mut known_hosts: Vec<_> = one("userknownhostsfile").map(|value| paths(value, home)).unwrap_or_default();
        // Nothing can be known by way of /dev/null; what the messages advise needs a file.
        known_hosts.retain(|path| path != Path::new("/dev/null"));
        if known_hosts.is_empty() {
            known_hosts.push(home.at("known_hosts"));
        }
        known_hosts.extend(one("globalknownhostsfile").map(|value| paths(value, home)).unwrap_or_default());
        let proxy = match (one("proxycommand"), one("proxyjump")) {
            (Some(command), _) => Some(Proxy::Command(tokens(command))),
            (None, Some(hops)) => Some(Proxy::Jump(hops.to_string())),
            (None, None) => None,
        };
        let agent = all("identityagent").next().and_then(|value| match value {
            "SSH_AUTH_SOCK" => None,
            "none" => Some(PathBuf::new()),
            value if value.starts_with('$') => Some(std::env::var_os(&value[1..]).unwrap_or_default().into()),
            value => Some(home.path(&tokens(value))),
        });
        let unused = UNUSED.into_iter().filter(|name| one(*name).is_some_and(|value| value != "internal"));
        let unused: Vec<String> = unused.map(str::to_string).collect();
        Ok(Self {
            alias: one("hostkeyalias").map(str::to_string),
            identities: all("identityfile").filter(|v| *v != "none").map(|value| home.path(&tokens(value))).collect(),
            identities_only: one("identitiesonly") == Some("yes"),
            agent,
            known_hosts,
            revoked: one("revokedhostkeys").map(|value| home.path(&tokens(value))),
            proxy,
            lax: matches!(one("stricthostkeychecking"), Some("no" | "off" | "false" | "accept-new")),
            file,
            notices: (!unused.is_empty()).then_some(Notice::SettingsUnused { host: given, names: unused }).into_iter().collect(),
            user,
            host,
            port,
        })
    }

    /// The names that the host goes by in files of known hosts.
    pub fn names(&self) -> Names {
        self.alias.as_ref().map_or_else(|| Names::new(&self.host, self.port), |alias| Names::alias(alias))
    }
}

/// Who runs this.
fn own_name() -> Option<String> {
    std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok()
}

/// Paths behind one another. They may hold blanks, of which ssh says nothing: a path begins at the root or at home.
fn paths(text: &str, home: &Home) -> Vec<PathBuf> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match found.last_mut() {
            Some(last) if !word.starts_with(['/', '~']) => *last += &format!(" {word}"),
            _ => found.push(word.to_string()),
        }
    }
    found.iter().map(|path| home.path(path)).collect()
}

/// Replaces `%h` and its like; what is not known stays.
fn expand(text: &str, tokens: &[(char, &str)]) -> String {
    let (mut expanded, mut rest) = (String::new(), text.chars());
    while let Some(c) = rest.next() {
        match (c, if c == '%' { rest.next() } else { None }) {
            ('%', Some('%')) => expanded.push('%'),
            ('%', Some(name)) => match tokens.iter().find(|(token, _)| *token == name) {
                Some((_, value)) => expanded += value,
                None => expanded.extend(['%', name]),
            },
            _ => expanded.push(c),
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> Home {
        Home { own: "/home/me".into(), listed: "/home/me".into() }
    }

    /// As OpenSSH 9.2 writes it, without what is not read.
    const TEXT: &str = "host board\nuser pi\nhostname 192.168.1.7\nport 2222\nidentitiesonly yes\nstricthostkeychecking ask\n\
        hostkeyalias board\nidentityfile ~/.ssh/%h_%r\nidentityfile ~/.ssh/a b\nsecuritykeyprovider internal\n\
        globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2\n\
        userknownhostsfile /home/me/.ssh/kh 192.168.1.7 /tmp/x\nproxyjump me@jump:2200,j2\n";

    #[test]
    fn what_ssh_says() {
        let settings = Settings::parse(TEXT, &home(), None).unwrap();
        assert_eq!((settings.user.as_str(), settings.host.as_str(), settings.port), ("pi", "192.168.1.7", 2222));
        assert_eq!(settings.alias.as_deref(), Some("board"));
        assert_eq!(settings.identities, [PathBuf::from("/home/me/.ssh/192.168.1.7_pi"), "/home/me/.ssh/a b".into()]);
        assert!(settings.identities_only && !settings.lax && settings.notices.is_empty() && settings.agent.is_none());
        let files = ["/home/me/.ssh/kh 192.168.1.7", "/tmp/x", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];
        assert_eq!(settings.known_hosts, files.map(PathBuf::from));
        assert_eq!(settings.proxy, Some(Proxy::Jump("me@jump:2200,j2".to_string())));
        for bad in ["", "user pi\nport 22\n", "user a\nhostname b\nport x\n"] {
            assert!(Settings::parse(bad, &home(), None).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_set_otherwise() {
        let more = "identityagent none\nproxycommand nc -q 1 %h %p %%\nuserknownhostsfile /dev/null\nstricthostkeychecking no\n\
                    knownhostscommand /bin/x\nrevokedhostkeys ~/.ssh/revoked\n";
        let text: String =
            TEXT.lines().filter(|l| !l.contains("userknown") && !l.contains("strict")).map(|l| format!("{l}\n")).collect();
        let settings = Settings::parse(&(text + more), &home(), None).unwrap();
        assert_eq!(settings.agent, Some(PathBuf::new()));
        assert_eq!(settings.proxy, Some(Proxy::Command("nc -q 1 192.168.1.7 2222 %".to_string())));
        assert_eq!(settings.known_hosts[0], PathBuf::from("/home/me/.ssh/known_hosts"));
        assert_eq!(settings.revoked, Some("/home/me/.ssh/revoked".into()));
        assert!(settings.lax);
        let unused = Notice::SettingsUnused { host: "board".into(), names: vec!["knownhostscommand".into()] };
        assert_eq!(settings.notices, [unused]);
    }

    #[test]
    fn a_home_of_the_environment_stands_above_the_listed_one() {
        let home = Home { own: "/tmp/a b".into(), listed: "/root".into() };
        let text = "user me\nhostname h\nport 22\nuserknownhostsfile /root/.ssh/known_hosts /root/.ssh/known_hosts2\nidentityfile ~/.ssh/id_rsa\n";
        let settings = Settings::parse(text, &home, None).unwrap();
        assert_eq!(settings.known_hosts, ["/tmp/a b/.ssh/known_hosts", "/tmp/a b/.ssh/known_hosts2"].map(PathBuf::from));
        assert_eq!(settings.identities, [PathBuf::from("/tmp/a b/.ssh/id_rsa")]);
        assert_eq!(home.config(), Some("none".into()));
    }

    #[test]
    fn without_the_program_the_address_alone_counts() {
        let address = Address::parse("board").unwrap();
        let settings = Settings::plain(&address, &home(), Some("me".to_string())).unwrap();
        assert_eq!((settings.user.as_str(), settings.host.as_str(), settings.port), ("me", "board", 22));
        assert!(Settings::plain(&address, &home(), None).is_err());
    }
}

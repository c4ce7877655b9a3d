//! Which of the phones attached is meant. To measure another one than was meant is the worst that can happen: in doubt, none is.

use std::ffi::OsString;

use super::error::AdbError;
use super::server::Attached;
use crate::devices::notice::Notice;

/// adb's own environment variable for a serial number.
pub(super) const VARIABLE: &str = "ANDROID_SERIAL";

/// Which phone is asked for, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The one of that serial number, by `--device adb:SERIAL`.
    Named(String),
    /// The one of that serial number, by [`VARIABLE`].
    OfEnvironment(String),
    /// The only one.
    Only,
}

impl Wanted {
    /// From the command line and the variable's value; the command line stands above it, and an empty value says nothing.
    pub(super) fn new(named: Option<&str>, variable: Option<OsString>) -> Self {
        match (named, variable.filter(|value| !value.is_empty())) {
            (Some(serial), _) => Self::Named(serial.to_string()),
            // One that is no text is no phone's: it is named in the error.
            (None, Some(value)) => Self::OfEnvironment(value.to_string_lossy().into_owned()),
            (None, None) => Self::Only,
        }
    }
}

/// The phone that is meant, and those that were passed over since they cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Its serial number.
    pub serial: String,
    /// The others.
    pub aside: Vec<Attached>,
}

impl Chosen {
    /// What the user should know of the choice, where there was one.
    pub(super) fn notice(&self, wanted: &Wanted) -> Option<Notice> {
        let device = format!("adb:{}", self.serial);
        match wanted {
            Wanted::Named(_) => None,
            Wanted::OfEnvironment(_) => Some(Notice::ChosenByVariable { device, variable: VARIABLE }),
            Wanted::Only if self.aside.is_empty() => None,
            Wanted::Only => Some(Notice::PassedOver { device, others: list(&self.aside) }),
        }
    }
}

/// The phone that is meant.
///
/// # Errors
/// [`AdbError::NoPhone`], [`AdbError::SeveralPhones`], [`AdbError::NoGoodPhone`], [`AdbError::UnknownPhone`],
/// [`AdbError::SameSerial`], [`AdbError::PhoneState`].
pub(super) fn choose(attached: &[Attached], wanted: &Wanted) -> Result<Chosen, AdbError> {
    let named = match wanted {
        Wanted::Named(serial) => Some((serial, "")),
        Wanted::OfEnvironment(serial) => Some((serial, " (of ANDROID_SERIAL)")),
        Wanted::Only => None,
    };
    let meant: Vec<&Attached> = attached.iter().filter(|phone| named.is_none_or(|(serial, _)| phone.serial == *serial)).collect();
    let (good, bad): (Vec<&Attached>, Vec<&Attached>) = meant.into_iter().partition(|phone| phone.usable());
    let by = named.map_or("", |(_, by)| by);
    match (good.as_slice(), bad.as_slice(), named) {
        ([one], bad, _) => Ok(Chosen { serial: one.serial.clone(), aside: bad.iter().copied().cloned().collect() }),
        ([], [], None) => Err(AdbError::NoPhone),
        ([], [], Some((serial, by))) => Err(AdbError::UnknownPhone { serial: serial.clone(), by, attached: list(attached) }),
        ([], [one], _) => Err(state_of(one, by)),
        ([], bad, _) => Err(AdbError::NoGoodPhone { phones: bad.iter().map(|phone| state_of(phone, by).to_string()).collect() }),
        ([first, rest @ ..], _, _) if rest.iter().any(|phone| phone.serial == first.serial) => {
            Err(AdbError::SameSerial { serial: first.serial.clone() })
        }
        (good, bad, _) => Err(AdbError::SeveralPhones {
            serials: good.iter().map(|phone| phone.serial.clone()).collect(),
            others: list(bad.iter().copied()),
        }),
    }
}

fn list<'a>(phones: impl IntoIterator<Item = &'a Attached>) -> String {
    let words: Vec<_> = phones.into_iter().map(|phone| format!("{} ({})", phone.serial, phone.short_state())).collect();
    words.join(", ")
}

/// Why a phone cannot be used, and what helps.
fn state_of(phone: &Attached, by: &'static str) -> AdbError {
    let advice = match phone.short_state() {
        "unauthorized" | "authorizing" => "unlock it and allow this computer when it asks",
        "offline" => "pull the cable and plug it in again; an emulator: end it or wait until it has started",
        "without permissions" => {
            "this user may not use its USB device: android/README.md has the udev rules; then plug it in again"
        }
        "recovery" | "rescue" | "sideload" | "bootloader" => "start it normally",
        _ => "wait a moment and try again",
    };
    AdbError::PhoneState { serial: phone.serial.clone(), by, state: phone.short_state().to_string(), advice }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phones(list: &[(&str, &str)]) -> Vec<Attached> {
        list.iter().map(|(serial, state)| Attached { serial: serial.to_string(), state: state.to_string() }).collect()
    }

    fn said(list: &[(&str, &str)], wanted: &Wanted) -> String {
        match choose(&phones(list), wanted) {
            Ok(chosen) => {
                format!("{} {}", chosen.serial, chosen.notice(wanted).map(|notice| notice.to_string()).unwrap_or_default())
                    .trim()
                    .to_string()
            }
            Err(e) => format!("error: {e}"),
        }
    }

    const TWO: [(&str, &str); 2] = [("a", "device"), ("b", "device")];
    /// As adb says it.
    const NO_RULES: &str = "no permissions (missing udev rules? user is in the plugdev group); see [http://developer.android.com/tools/device/index.html]";

    #[test]
    fn the_only_phone_needs_no_name() {
        assert_eq!(said(&[("a b", "device")], &Wanted::Only), "a b");
        assert!(matches!(choose(&[], &Wanted::Only), Err(AdbError::NoPhone)));
        let words = said(&TWO, &Wanted::Only);
        assert!(words.contains("2 phones are attached") && words.contains("adb:a, adb:b"), "{words}");
        assert_eq!(said(&TWO, &Wanted::Named("b".into())), "b");
        let words = said(&TWO, &Wanted::Named("c".into()));
        assert!(words.contains("'c'") && words.contains("a (device), b (device)"), "{words}");
    }

    #[test]
    fn what_cannot_be_used_is_passed_over_and_told() {
        for state in ["offline", "unauthorized", "authorizing", "connecting", "bootloader", NO_RULES, "a state of tomorrow"] {
            for list in [[("emulator-5554", state), ("a", "device")], [("a", "device"), ("emulator-5554", state)]] {
                let words = said(&list, &Wanted::Only);
                assert!(words.starts_with("a ") && words.contains("emulator-5554 ("), "{state}: {words}");
            }
            // Named, it is an error, whoever else is there.
            let words = said(&[("e", state), ("a", "device")], &Wanted::Named("e".into()));
            assert!(words.starts_with("error: the phone e "), "{words}");
        }
        // Two good ones are two, whoever else is there.
        let words = said(&[("a", "device"), ("e", "offline"), ("b", "device")], &Wanted::Only);
        assert!(words.contains("adb:a, adb:b") && words.contains("e (offline)"), "{words}");
        // And where none is good, each is told of.
        let words = said(&[("a", "unauthorized"), ("b", NO_RULES)], &Wanted::Only);
        assert!(words.contains("allow this computer") && words.contains("udev"), "{words}");
    }

    #[test]
    fn the_environment_names_a_phone_and_the_command_line_stands_above_it() {
        let of = |named: Option<&str>, value: &str| Wanted::new(named, Some(value.into()));
        assert!(said(&TWO, &of(None, "b")).starts_with("b "));
        assert_eq!(said(&TWO, &of(Some("a"), "b")), "a");
        assert_eq!(of(None, ""), Wanted::Only);
        assert_eq!(Wanted::new(None, None), Wanted::Only);
        // One phone is there, but it is not the one meant.
        let words = said(&[("a", "device")], &of(None, "b"));
        assert!(words.starts_with("error: ") && words.contains("'b'") && words.contains("ANDROID_SERIAL"), "{words}");
        let words = said(&[("a", "device"), ("b", "offline")], &of(None, "b"));
        assert!(words.starts_with("error: the phone b (of ANDROID_SERIAL) is offline"), "{words}");
        // A value that is no text is no phone, and is not passed over.
        let odd = std::os::unix::ffi::OsStringExt::from_vec(vec![b'a', 0xff]);
        assert!(said(&[("a", "device")], &Wanted::new(None, Some(odd))).starts_with("error: "));
    }

    #[test]
    fn a_phone_that_waits_for_its_owner_is_named() {
        let words = said(&[("a", "unauthorized")], &Wanted::Only);
        assert!(words.contains("allow this computer"), "{words}");
        for state in ["no permissions", NO_RULES, "no permissions (user in plugdev group; are your udev rules wrong?); see [x]"] {
            let words = said(&[("????????????", state)], &Wanted::Only);
            assert!(words.contains("udev rules; then plug it in again"), "{words}");
        }
    }

    #[test]
    fn phones_of_one_serial_number_cannot_be_told_apart() {
        let same = [("0123456789ABCDEF", "device"), ("0123456789ABCDEF", "device")];
        for wanted in [Wanted::Only, Wanted::Named("0123456789ABCDEF".into())] {
            assert!(said(&same, &wanted).contains("told apart"), "{}", said(&same, &wanted));
        }
    }
}

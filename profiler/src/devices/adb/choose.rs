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
        "offline" => "unplug the cable and plug it in again (emulator: wait until it has started, or stop it)",
        "without permissions" => {
            "this user may not use its USB device: install udev rules for it (Debian: package android-sdk-platform-tools-common), then plug it in \
             again"
        }
        "recovery" | "rescue" | "sideload" | "bootloader" => "boot it into Android",
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

    fn of(list: &[(&str, &str)], wanted: &Wanted) -> Result<Chosen, AdbError> {
        choose(&phones(list), wanted)
    }

    /// The serial number of the phone that is chosen.
    fn serial(list: &[(&str, &str)], wanted: &Wanted) -> String {
        of(list, wanted).expect("a phone").serial
    }

    fn named(serial: &str) -> Wanted {
        Wanted::Named(serial.into())
    }

    const TWO: [(&str, &str); 2] = [("a", "device"), ("b", "device")];
    /// As adb says it.
    const NO_RULES: &str = "no permissions (missing udev rules? user is in the plugdev group); see [http://developer.android.com/tools/device/index.html]";

    #[test]
    fn the_only_phone_needs_no_name() {
        assert_eq!(serial(&[("a b", "device")], &Wanted::Only), "a b");
        assert!(matches!(of(&[], &Wanted::Only), Err(AdbError::NoPhone)));
        assert!(matches!(of(&TWO, &Wanted::Only), Err(AdbError::SeveralPhones { serials, .. }) if serials == ["a", "b"]));
        assert_eq!(serial(&TWO, &named("b")), "b");
        let unknown = of(&TWO, &named("c"));
        assert!(
            matches!(&unknown, Err(AdbError::UnknownPhone { serial, attached, .. }) if serial == "c" && attached == "a (device), b (device)"),
            "{unknown:?}"
        );
    }

    #[test]
    fn what_cannot_be_used_is_passed_over_and_told() {
        for state in ["offline", "unauthorized", "authorizing", "connecting", "bootloader", NO_RULES, "a state of tomorrow"] {
            for list in [[("emulator-5554", state), ("a", "device")], [("a", "device"), ("emulator-5554", state)]] {
                let chosen = of(&list, &Wanted::Only).expect("a phone");
                assert_eq!((chosen.serial.as_str(), chosen.aside[0].serial.as_str()), ("a", "emulator-5554"), "{state}");
                let notice = chosen.notice(&Wanted::Only);
                assert!(
                    matches!(notice, Some(Notice::PassedOver { others, .. }) if others.starts_with("emulator-5554 (")),
                    "{state}"
                );
            }
            // Named, it is an error, whatever other phones are there.
            let error = of(&[("e", state), ("a", "device")], &named("e"));
            assert!(matches!(&error, Err(AdbError::PhoneState { serial, .. }) if serial == "e"), "{error:?}");
        }
        // Two good ones are two, whatever other phones are there.
        let error = of(&[("a", "device"), ("e", "offline"), ("b", "device")], &Wanted::Only);
        assert!(
            matches!(&error, Err(AdbError::SeveralPhones { serials, others }) if *serials == ["a", "b"] && others == "e (offline)"),
            "{error:?}"
        );
        // And where none is good, each is named.
        let error = of(&[("a", "unauthorized"), ("b", NO_RULES)], &Wanted::Only);
        assert!(matches!(&error, Err(AdbError::NoGoodPhone { phones }) if phones.len() == 2), "{error:?}");
    }

    #[test]
    fn the_environment_names_a_phone_and_the_command_line_stands_above_it() {
        let wanted = |named: Option<&str>, value: &str| Wanted::new(named, Some(value.into()));
        let by_variable = wanted(None, "b");
        let chosen = of(&TWO, &by_variable).expect("a phone");
        assert_eq!(chosen.serial, "b");
        let variable = "ANDROID_SERIAL";
        assert_eq!(chosen.notice(&by_variable), Some(Notice::ChosenByVariable { device: "adb:b".into(), variable }));
        let by_name = wanted(Some("a"), "b");
        assert_eq!((serial(&TWO, &by_name), of(&TWO, &by_name).expect("a phone").notice(&by_name)), ("a".to_string(), None));
        assert_eq!(wanted(None, ""), Wanted::Only);
        assert_eq!(Wanted::new(None, None), Wanted::Only);
        // One phone is there, but it is not the one meant.
        let error = of(&[("a", "device")], &by_variable);
        assert!(
            matches!(&error, Err(AdbError::UnknownPhone { serial, by, .. }) if serial == "b" && by.contains(variable)),
            "{error:?}"
        );
        let error = of(&[("a", "device"), ("b", "offline")], &by_variable);
        assert!(
            matches!(&error, Err(AdbError::PhoneState { serial, by, state, .. }) if serial == "b" && by.contains(variable) && state == "offline"),
            "{error:?}"
        );
        // A value that is no text is no phone, and is not ignored.
        let odd = std::os::unix::ffi::OsStringExt::from_vec(vec![b'a', 0xff]);
        assert!(of(&[("a", "device")], &Wanted::new(None, Some(odd))).is_err());
    }

    #[test]
    fn a_phone_that_waits_for_its_owner_is_named() {
        let advice = |list: &[(&str, &str)]| match of(list, &Wanted::Only) {
            Err(AdbError::PhoneState { advice, .. }) => advice,
            other => panic!("{other:?}"),
        };
        let allow = advice(&[("a", "unauthorized")]);
        for state in ["no permissions", NO_RULES, "no permissions (user in plugdev group; are your udev rules wrong?); see [x]"] {
            let rules = advice(&[("????????????", state)]);
            assert!(rules.contains("udev") && rules != allow, "{state}: {rules}");
        }
    }

    #[test]
    fn phones_of_one_serial_number_cannot_be_told_apart() {
        let same = [("0123456789ABCDEF", "device"), ("0123456789ABCDEF", "device")];
        for wanted in [Wanted::Only, named("0123456789ABCDEF")] {
            assert!(matches!(of(&same, &wanted), Err(AdbError::SameSerial { .. })));
        }
    }
}

//! A function's plain settings, each a type that can only hold a legal value.
//!
//! Owns the numbers' ranges and the words that explain them. Pure.

use std::fmt;
use std::time::Duration;

use skiff_domain::limits::{
    DESCRIPTION_CHARS_MAX, INIT_TIMEOUT_S_DEFAULT, INIT_TIMEOUT_S_MAX, MEMORY_MB_DEFAULT, MEMORY_MB_MAX,
    TIMEOUT_S_DEFAULT, TIMEOUT_S_MAX,
};

/// The smallest memory a function may have, and the only one that is no multiple of the step (CONTRACT 2.5).
const MEMORY_MB_SMALL: u32 = 64;
/// Memory is given in steps of this many MB (CONTRACT 2.5).
const MEMORY_MB_STEP: u32 = 128;

/// A setting outside what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    /// More memory than a function may have.
    #[error("MemorySize {0} MB is too large: use 64 or a multiple of 128 up to {MEMORY_MB_MAX}")]
    MemoryTooLarge(u64),
    /// A memory size between the steps.
    #[error("MemorySize {0} MB is not valid: use 64 or a multiple of 128 up to {MEMORY_MB_MAX}")]
    Memory(u64),
    /// A timeout longer than allowed.
    #[error("Timeout {0} is too long: use 1 to {TIMEOUT_S_MAX} seconds")]
    TimeoutTooLong(u64),
    /// A timeout of nothing.
    #[error("Timeout {0} is not valid: use 1 to {TIMEOUT_S_MAX} seconds")]
    Timeout(u64),
    /// An init timeout longer than allowed.
    #[error("InitTimeout {0} is too long: use 1 to {INIT_TIMEOUT_S_MAX} seconds")]
    InitTimeoutTooLong(u64),
    /// An init timeout of nothing.
    #[error("InitTimeout {0} is not valid: use 1 to {INIT_TIMEOUT_S_MAX} seconds")]
    InitTimeout(u64),
    /// A description longer than allowed.
    #[error("Description has {0} characters: use at most {DESCRIPTION_CHARS_MAX}")]
    Description(usize),
}

impl InvalidSetting {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MemoryTooLarge(_) => "LimitExceeded.Memory",
            Self::Memory(_) => "InvalidParameterValue.MemorySize",
            Self::TimeoutTooLong(_) => "LimitExceeded.Timeout",
            // The contract has no narrower code for too small a number of seconds.
            Self::Timeout(_) | Self::InitTimeout(_) => "InvalidParameterValue",
            Self::InitTimeoutTooLong(_) => "LimitExceeded.InitTimeout",
            Self::Description(_) => "InvalidParameterValue.Description",
        }
    }
}

/// Memory of an instance, in MB: 64, or a multiple of 128 up to 3072.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemorySize(u32);

impl MemorySize {
    /// Checks a size in MB.
    pub fn from_mb(mb: u64) -> Result<Self, InvalidSetting> {
        if mb > u64::from(MEMORY_MB_MAX) {
            return Err(InvalidSetting::MemoryTooLarge(mb));
        }
        u32::try_from(mb)
            .ok()
            .filter(|mb| *mb == MEMORY_MB_SMALL || (*mb > 0 && mb.is_multiple_of(MEMORY_MB_STEP)))
            .map(Self)
            .ok_or(InvalidSetting::Memory(mb))
    }

    /// The size in MB.
    #[must_use]
    pub fn mb(self) -> u32 {
        self.0
    }
}

impl Default for MemorySize {
    fn default() -> Self {
        Self(MEMORY_MB_DEFAULT)
    }
}

/// Longest run of one event, in whole seconds: 1 to 900.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout(u32);

impl Timeout {
    /// Checks a number of seconds.
    pub fn from_secs(secs: u64) -> Result<Self, InvalidSetting> {
        match u32::try_from(secs) {
            Ok(secs @ 1..=TIMEOUT_S_MAX) => Ok(Self(secs)),
            Ok(0) => Err(InvalidSetting::Timeout(secs)),
            _ => Err(InvalidSetting::TimeoutTooLong(secs)),
        }
    }

    /// The number of seconds.
    #[must_use]
    pub fn secs(self) -> u32 {
        self.0
    }
}

impl Default for Timeout {
    fn default() -> Self {
        Self(TIMEOUT_S_DEFAULT)
    }
}

impl From<Timeout> for Duration {
    fn from(timeout: Timeout) -> Self {
        Self::from_secs(u64::from(timeout.0))
    }
}

/// Longest initialisation, in whole seconds: 1 to 300.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InitTimeout(u32);

impl InitTimeout {
    /// Checks a number of seconds.
    pub fn from_secs(secs: u64) -> Result<Self, InvalidSetting> {
        match u32::try_from(secs) {
            Ok(secs @ 1..=INIT_TIMEOUT_S_MAX) => Ok(Self(secs)),
            Ok(0) => Err(InvalidSetting::InitTimeout(secs)),
            _ => Err(InvalidSetting::InitTimeoutTooLong(secs)),
        }
    }

    /// The number of seconds.
    #[must_use]
    pub fn secs(self) -> u32 {
        self.0
    }
}

impl Default for InitTimeout {
    fn default() -> Self {
        Self(INIT_TIMEOUT_S_DEFAULT)
    }
}

impl From<InitTimeout> for Duration {
    fn from(timeout: InitTimeout) -> Self {
        Self::from_secs(u64::from(timeout.0))
    }
}

/// What a user says a function or namespace is for: up to 1000 characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description(String);

impl Description {
    /// Checks a text.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidSetting> {
        let text = text.into();
        match text.chars().count() {
            chars if chars > DESCRIPTION_CHARS_MAX => Err(InvalidSetting::Description(chars)),
            _ => Ok(Self(text)),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_64_or_a_multiple_of_128_up_to_3072() {
        for mb in [64, 128, 256, 1536, 3072] {
            assert_eq!(MemorySize::from_mb(mb).map(|size| u64::from(size.mb())), Ok(mb));
        }
        for mb in [0, 1, 63, 65, 127, 129, 192, 3000] {
            assert_eq!(MemorySize::from_mb(mb), Err(InvalidSetting::Memory(mb)));
        }
        for mb in [3073, 3200, u64::MAX] {
            assert_eq!(MemorySize::from_mb(mb), Err(InvalidSetting::MemoryTooLarge(mb)));
        }
    }

    #[test]
    fn a_timeout_is_1_to_900_seconds_and_an_init_timeout_1_to_300() {
        assert_eq!(Timeout::from_secs(1).map(Timeout::secs), Ok(1));
        assert_eq!(Timeout::from_secs(900).map(Timeout::secs), Ok(900));
        assert_eq!(Timeout::from_secs(0), Err(InvalidSetting::Timeout(0)));
        for secs in [901, u64::MAX] {
            assert_eq!(Timeout::from_secs(secs), Err(InvalidSetting::TimeoutTooLong(secs)));
        }
        assert_eq!(InitTimeout::from_secs(300).map(InitTimeout::secs), Ok(300));
        assert_eq!(InitTimeout::from_secs(0), Err(InvalidSetting::InitTimeout(0)));
        assert_eq!(
            InitTimeout::from_secs(301),
            Err(InvalidSetting::InitTimeoutTooLong(301))
        );
    }

    #[test]
    fn a_description_is_counted_in_characters_not_bytes() {
        assert!(Description::new("说".repeat(1000)).is_ok());
        assert_eq!(
            Description::new("a".repeat(1001)),
            Err(InvalidSetting::Description(1001))
        );
    }

    #[test]
    fn every_message_names_its_field_and_what_is_allowed() {
        for (error, field, allowed) in [
            (InvalidSetting::Memory(100), "MemorySize", "multiple of 128"),
            (InvalidSetting::MemoryTooLarge(4096), "MemorySize", "3072"),
            (InvalidSetting::Timeout(0), "Timeout", "1 to 900"),
            (InvalidSetting::TimeoutTooLong(901), "Timeout", "1 to 900"),
            (InvalidSetting::InitTimeout(0), "InitTimeout", "1 to 300"),
            (InvalidSetting::InitTimeoutTooLong(301), "InitTimeout", "1 to 300"),
            (InvalidSetting::Description(1001), "Description", "1000"),
        ] {
            let message = error.to_string();
            assert!(message.contains(field) && message.contains(allowed), "{message}");
        }
    }
}

//! Reasons of refused calls, as `google.rpc.ErrorInfo` of [`ERROR_DOMAIN`](crate::ERROR_DOMAIN)
//! carries them: the reason, and parameters in its metadata, from which a client words the refusal
//! in its user's language. The message of the status is English for programs that know no reasons.

/// Defines a set of words of the wire, each with the keys of its parameters.
macro_rules! wire_words {
    ($(#[$about:meta])* $name:ident { $($(#[$word:meta])* $variant:ident = $text:literal [$($key:literal),*];)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$word])* $variant,)* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word as it travels.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Keys of its parameters in the metadata.
            #[must_use]
            pub const fn keys(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($key),*],)* }
            }

            /// Inverse of [`Self::as_str`]; `None` for a word of a later version.
            #[must_use]
            pub fn of(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }
    };
}

wire_words! {
    /// Reason why a question is refused.
    Reason {
        /// A field has another form; `expected` is an [`Expected`], whose parameters stand beside it.
        MalformedField = "MALFORMED_FIELD" ["field", "expected"];
        /// The catalogue has no such indicator; `known` lists those that it has.
        UnknownIndicator = "UNKNOWN_INDICATOR" ["id", "known"];
        /// The catalogue has neither a criterion nor a measure of this id.
        UnknownMetric = "UNKNOWN_METRIC" ["id"];
        /// Communes report no such measure.
        UnknownMeasure = "UNKNOWN_MEASURE" ["id", "known"];
        /// The indicator has no legend; `known` lists those that have one.
        NoLegend = "NO_LEGEND" ["id", "known"];
        /// Green coverage is a full count and has no interval.
        IntervalOfCoverage = "INTERVAL_OF_COVERAGE" ["id"];
        /// Intervals are for communes.
        IntervalOfProvinces = "INTERVAL_OF_PROVINCES" ["id"];
        /// The indicator is a number with a unit, and only a share has an interval.
        IntervalOfNumber = "INTERVAL_OF_NUMBER" ["id"];
        /// The nation has no rank.
        NationUnranked = "NATION_UNRANKED" ["field"];
        /// A scope is a province or the nation, and the code is a commune's.
        CommuneAsScope = "COMMUNE_AS_SCOPE" ["code"];
        /// Provinces are asked for within a province.
        LevelOutsideScope = "LEVEL_OUTSIDE_SCOPE" ["within"];
        /// The locality does not lie in the scope.
        LocalityOutsideScope = "LOCALITY_OUTSIDE_SCOPE" ["code", "within"];
        /// The gazetteer does not hold the code.
        UnknownLocality = "UNKNOWN_LOCALITY" ["code"];
        /// The page token belongs to another query.
        ForeignPageToken = "FOREIGN_PAGE_TOKEN" [];
        /// Too many heavy questions wait; worth asking again after so many seconds.
        HeavyQuestionsWait = "HEAVY_QUESTIONS_WAIT" ["seconds"];
        /// Too many heavy questions of this caller wait.
        ShareUsedUp = "SHARE_USED_UP" ["allowed", "seconds"];
        /// A viewer of one province asks for another one's communes.
        OutsideRole = "OUTSIDE_ROLE" ["field", "own"];
        /// The store is out of reach; `cause` is English.
        StoreOutOfReach = "STORE_OUT_OF_REACH" ["cause"];
        /// The answer could not be computed: the aggregator's log says why.
        Uncomputed = "UNCOMPUTED" [];
        /// The exact figures do not fit into the answer.
        TooLarge = "TOO_LARGE" [];
        /// The caller shows neither a certificate nor a token.
        NoProof = "NO_PROOF" [];
        /// Nobody has the token.
        UnknownToken = "UNKNOWN_TOKEN" [];
        /// The token came over plain text from another machine.
        ExposedToken = "EXPOSED_TOKEN" [];
        /// The aggregator has no access file.
        NoAccessFile = "NO_ACCESS_FILE" [];
        /// The caller's access has ended; `expiry` is in RFC 3339.
        AccessExpired = "ACCESS_EXPIRED" ["name", "expiry"];
        /// The access file no longer gives the role.
        AccessWithdrawn = "ACCESS_WITHDRAWN" ["name", "role"];
        /// The caller's certificate was revoked.
        CertificateRevoked = "CERTIFICATE_REVOKED" [];
        /// The authority of the caller's certificate is no longer trusted.
        CertificateAuthority = "CERTIFICATE_AUTHORITY" [];
        /// The caller's certificate is not valid; `cause` is English.
        CertificateInvalid = "CERTIFICATE_INVALID" ["cause"];
        /// The caller's role does not suffice.
        RoleTooLow = "ROLE_TOO_LOW" ["name", "role", "need"];
        /// Plain text came where TLS is served.
        TlsRequired = "TLS_REQUIRED" [];
        /// Requests come faster than the limit.
        TooManyRequests = "TOO_MANY_REQUESTS" ["per_second"];
        /// The request was not answered in time.
        RequestTimeout = "REQUEST_TIMEOUT" ["seconds"];
        /// The request is larger than the limit.
        RequestTooLarge = "REQUEST_TOO_LARGE" ["bytes"];
    }
}

wire_words! {
    /// Form that a malformed field should have had.
    Expected {
        /// A level of localities.
        Level = "LEVEL" [];
        /// An order.
        Order = "ORDER" [];
        /// A kind of a province.
        ProvinceKind = "PROVINCE_KIND" [];
        /// A kind of a commune.
        CommuneKind = "COMMUNE_KIND" [];
        /// A key to rank by.
        RankBy = "RANK_BY" [];
        /// A section of a sheet.
        Section = "SECTION" [];
        /// A rule of flags.
        FlagRule = "FLAG_RULE" [];
        /// A month of the form YYYY-MM, from 2000-01 on.
        Month = "MONTH" [];
        /// A month that has begun.
        MonthBegun = "MONTH_BEGUN" ["last"];
        /// A month before another one.
        MonthBefore = "MONTH_BEFORE" ["period"];
        /// A month at most so many before `to_period`.
        MonthWithin = "MONTH_WITHIN" ["months"];
        /// Nothing, since changes are not asked for.
        NoBaseline = "NO_BASELINE" [];
        /// The code of a locality.
        Code = "CODE" [];
        /// The code of a province.
        ProvinceCode = "PROVINCE_CODE" [];
        /// The code of a province or a commune, not the nation's.
        NotNation = "NOT_NATION" [];
        /// The code of a province or of the central office.
        Reporter = "REPORTER" [];
        /// A locality at whose level, `province` or `nation`, the measure is reported.
        LevelOfMeasure = "LEVEL_OF_MEASURE" ["id", "level"];
        /// A locality of the level, `commune`, `province` or `nation`, that reports the metric.
        ReportingLocality = "REPORTING_LOCALITY" ["id", "level"];
        /// A metric that is reported, and not the sum of others.
        ReportedMetric = "REPORTED_METRIC" ["id", "parts"];
        /// The id of a criterion.
        Criterion = "CRITERION" [];
        /// A text to look for.
        SearchText = "SEARCH_TEXT" ["bytes"];
        /// A whole number of at least 0.
        NotNegative = "NOT_NEGATIVE" [];
        /// A number between two, or 0 for the default.
        Range = "RANGE" ["least", "most"];
        /// A percentage from 1 to 100.
        Percentage = "PERCENTAGE" [];
    }
}

wire_words! {
    /// What a refused question may have meant: parameter `hint` of any reason, with its own parameters
    /// beside it. There need not be one.
    Hint {
        /// The catalogue has ids or names that are similar.
        Similar = "SIMILAR" ["similar"];
        /// The id is that of an indicator.
        IsIndicator = "IS_INDICATOR" ["named"];
        /// The id is that of a criterion.
        IsCriterion = "IS_CRITERION" ["named"];
        /// The id is that of a measure.
        IsMeasure = "IS_MEASURE" ["named"];
        /// The month in the form that is asked for.
        Meant = "MEANT" ["meant"];
    }
}

#[cfg(test)]
mod tests {
    use super::{Expected, Hint, Reason};

    #[test]
    fn each_word_is_read_as_it_was_written() {
        for reason in Reason::ALL {
            assert_eq!(Reason::of(reason.as_str()), Some(*reason));
        }
        for expected in Expected::ALL {
            assert_eq!(Expected::of(expected.as_str()), Some(*expected));
        }
        for hint in Hint::ALL {
            assert_eq!(Hint::of(hint.as_str()), Some(*hint));
        }
        assert_eq!(Reason::of("LATER"), None);
    }
}

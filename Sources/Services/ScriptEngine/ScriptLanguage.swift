/// A language in which users write scripts (`rule-engine.md` 3.0, 6).
public enum ScriptLanguage: String, Sendable, CaseIterable {
    case javaScript = "JS"
    case tbel = "TBEL"
}

/// What a script is for, and with that what it must return (`rule-engine.md` 6.1). The raw values are those of the call that
/// tests scripts.
public enum ScriptUse: String, Sendable, CaseIterable {
    /// A boolean.
    case filter
    /// A text, or a list of texts: labels.
    case `switch`
    /// A message, or a list of messages.
    case update
    /// A message.
    case generate
    /// Any JSON, as the details of an alarm are.
    case json
    /// A text.
    case string
}

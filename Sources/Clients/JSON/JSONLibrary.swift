internal import CSimdJSON

/// The parser library that is linked.
public enum JSONLibrary {
    /// The library's version and the instruction set in use, for example `3.0.1 (haswell)`.
    public static var version: String { String(cString: needletail_json_version()) }
}

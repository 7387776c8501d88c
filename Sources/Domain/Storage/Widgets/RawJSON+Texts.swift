internal import JSON

extension RawJSON {
    /// The texts of an array.
    var texts: [String] { value.arrayValue?.compactMap(\.stringValue) ?? [] }
}

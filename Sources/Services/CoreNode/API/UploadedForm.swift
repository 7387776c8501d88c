internal import HTTPServer

/// A form with the part `file` and texts beside it.
struct UploadedForm: Sendable {
    var file: [UInt8]
    /// Without folders; `nil` where the client names none.
    var fileName: String?
    var contentType: String?
    private var texts: [String: String] = [:]

    /// Bytes of a text part.
    private static let longestText = 100_000

    /// - Throws: What a client is told whose body is no such form.
    init(_ call: Call) throws(APIError) {
        let type = call.request.fields["Content-Type"] ?? ""
        guard let parts = MultipartBody.parts(call.request.body, contentType: type),
            let part = parts.first(where: { $0.name == "file" })
        else { throw .invalid("Required request part 'file' is not present.") }
        file = Array(part.bytes)
        contentType = part.contentType
        let name = (part.fileName ?? "").split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init)
        fileName = name.flatMap { name in
            let kept = String(
                String.UnicodeScalarView(name.unicodeScalars.filter { $0.value >= 0x20 && $0 != "\u{7F}" }))
            return kept.isEmpty ? nil : kept
        }
        for part in parts where part.name != "file" {
            guard part.bytes.count <= Self.longestText else { throw .invalid("The part '\(part.name)' is too long") }
            texts[part.name] = String(
                String(decoding: part.bytes, as: UTF8.self).unicodeScalars.filter { $0 != "\0" }.map(Character.init))
        }
    }

    /// The text of a part; `nil` where it is absent or empty.
    func text(_ name: String) -> String? { texts[name].flatMap { $0.isEmpty ? nil : $0 } }
}

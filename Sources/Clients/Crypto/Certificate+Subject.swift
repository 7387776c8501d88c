internal import COpenSSL

extension Certificate {
    private static let maximumNameBytes = 1_024

    /// The common name of the subject; `nil` when it has none, or one of more than 1 KiB.
    public var commonName: String? {
        let certificate = bytes.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            var start = buffer.baseAddress
            return d2i_X509(nil, &start, buffer.count)
        }
        ERR_clear_error()
        guard let certificate, let subject = X509_get_subject_name(certificate) else { return nil }
        defer { X509_free(certificate) }
        let index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard index >= 0, let entry = X509_NAME_get_entry(subject, index),
            let data = X509_NAME_ENTRY_get_data(entry)
        else { return nil }
        var text: UnsafeMutablePointer<UInt8>?
        let length = ASN1_STRING_to_UTF8(&text, data)
        ERR_clear_error()
        guard length >= 0, let text else { return nil }
        defer { CRYPTO_free(text, nil, 0) }
        guard length > 0, length <= Int32(Self.maximumNameBytes) else { return nil }
        return String(decoding: UnsafeBufferPointer(start: text, count: Int(length)), as: UTF8.self)
    }
}

internal import Crypto

/// A mail with a body of text or HTML (RFC 5322, MIME).
public struct MailMessage: Sendable {
    /// `Name <address>` or an address.
    public var sender: String
    /// One address.
    public var recipient: String
    public var subject: String
    public var body: String
    public var isHTML: Bool

    public init(sender: String, recipient: String, subject: String, body: String, isHTML: Bool = false) {
        self.sender = sender
        self.recipient = recipient
        self.subject = subject
        self.body = body
        self.isHTML = isHTML
    }

    /// Whether nothing in the header could start another header field.
    var isWellFormed: Bool {
        [sender, recipient, subject].allSatisfy {
            $0.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        }
    }

    /// Head and body as they go over the wire. The body is base64, so that no line of it can end the mail.
    var rendered: [UInt8] {
        var text = "From: \(Self.encoded(sender))\r\nTo: <\(Self.address(of: recipient) ?? recipient)>\r\n"
        text += "Subject: \(Self.encodedWord(subject))\r\nMIME-Version: 1.0\r\n"
        text += "Content-Type: text/\(isHTML ? "html" : "plain"); charset=UTF-8\r\n"
        text += "Content-Transfer-Encoding: base64\r\n\r\n"
        var line = 0
        for character in Base64.encode(Array(body.utf8)) {
            text.append(character)
            line += 1
            if line == 76 {
                text += "\r\n"
                line = 0
            }
        }
        return Array((text + "\r\n").utf8)
    }

    /// The address in `Name <address>`; `nil` for what is none.
    static func address(of text: String) -> String? {
        var address = text[...]
        if let open = text.lastIndex(of: "<") {
            address = text[text.index(after: open)...].prefix { $0 != ">" }
        }
        let isPlain = address.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "<") }
        guard isPlain, address.contains("@"), address.utf8.count < 400 else { return nil }
        return String(address)
    }

    private static func encoded(_ mailbox: String) -> String {
        guard let open = mailbox.lastIndex(of: "<"), let address = address(of: mailbox) else { return mailbox }
        var name = mailbox[..<open]
        while name.last == " " { name.removeLast() }
        return name.isEmpty ? "<\(address)>" : "\(encodedWord(String(name))) <\(address)>"
    }

    /// RFC 2047, for what is not plain ASCII.
    private static func encodedWord(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: ",") }
        return isPlain ? text : "=?UTF-8?B?\(Base64.encode(Array(text.utf8)))?="
    }
}

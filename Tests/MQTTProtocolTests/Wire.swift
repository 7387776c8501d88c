/// Bytes from hexadecimal digits; text between single quotes stands for its UTF-8: `wire("30 05 0003 'a/b'")`.
func wire(_ notation: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var digits = ""
    var isText = false
    for character in notation {
        if character == "'" {
            isText.toggle()
        } else if isText {
            bytes += Array(String(character).utf8)
        } else if character != " " {
            digits.append(character)
            if digits.count == 2 {
                bytes.append(UInt8(digits, radix: 16)!)  // A test with other digits is wrong.
                digits = ""
            }
        }
    }
    precondition(digits.isEmpty && !isText, "unfinished: \(notation)")
    return bytes
}

extension [UInt8] {
    /// The same bytes behind a one-byte remaining length and `firstByte`.
    func framed(_ firstByte: UInt8) -> [UInt8] {
        precondition(count < 128, "\(count) bytes do not fit a one-byte length")
        return [firstByte, UInt8(count)] + self
    }
}

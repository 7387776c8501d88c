internal import CJavaScriptCore

/// Texts on their way into JavaScriptCore and out of it.
enum JavaScriptText {
    /// - Parameter bytes: UTF-8 with a zero byte behind, which does not count.
    static func make(_ bytes: UnsafeRawBufferPointer) -> JSStringRef {
        // The library takes C strings: a text with zeros inside goes by another way.
        if bytes.contains(0) {
            let units = Array(String(decoding: bytes, as: UTF8.self).utf16)
            return JSStringCreateWithCharacters(units, units.count)
        }
        return JSStringCreateWithUTF8CString(bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
    }

    static func make(_ text: String) -> JSStringRef {
        var text = text
        return text.withUTF8 { bytes in
            withUnsafeTemporaryAllocation(byteCount: bytes.count + 1, alignment: 1) { room in
                room.copyMemory(from: UnsafeRawBufferPointer(bytes))
                room[bytes.count] = 0
                return make(UnsafeRawBufferPointer(rebasing: room[..<bytes.count]))
            }
        }
    }

    /// Appends a text as UTF-8.
    static func append(_ text: JSStringRef, to bytes: inout [UInt8]) {
        let room = JSStringGetMaximumUTF8CStringSize(text)
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: room))
        let written = bytes.withUnsafeMutableBytes { buffer in
            JSStringGetUTF8CString(
                text, buffer.baseAddress?.advanced(by: start).assumingMemoryBound(to: CChar.self), room)
        }
        bytes.removeLast(room - max(0, written - 1))
    }

    static func string(_ text: JSStringRef, limit: Int = 4_096) -> String {
        var bytes: [UInt8] = []
        append(text, to: &bytes)
        let whole = String(decoding: bytes, as: UTF8.self)
        return whole.utf8.count <= limit ? whole : String(whole.prefix(limit))
    }
}

import MQTTProtocol

/// What must hold for any bytes at all; shared by the tests and the fuzz target.
enum CodecOracle {
    /// Decodes packet by packet until bytes are missing or wrong.
    ///
    /// - Returns: The number of packets decoded, or a sentence about the property that does not hold.
    static func check(_ bytes: Span<UInt8>, _ version: MQTTVersion) -> Result<Int, Violation> {
        var offset = 0
        var count = 0
        while let decoded = try? AnyPacket.decode(bytes, at: offset, version) {
            let size = decoded.end - offset
            offset = decoded.end
            count += 1
            if let violation = checkIdentity(decoded.packet, size, version) { return .failure(violation) }
        }
        return .success(count)
    }

    struct Violation: Error, CustomStringConvertible {
        var description: String
    }

    /// What was decoded encodes to something that decodes to the same, and is no longer than what came.
    private static func checkIdentity(_ packet: AnyPacket, _ size: Int, _ version: MQTTVersion) -> Violation? {
        // A CONNECT carries its own version.
        let version = if case .connect(let connect) = packet { connect.version } else { version }
        let encoded = packet.encoded(version)
        guard encoded.count <= size else {
            return Violation(description: "\(packet) came in \(size) bytes and goes out in \(encoded.count)")
        }
        guard let again = try? AnyPacket.decode(encoded.span, version) else {
            return Violation(description: "\(packet) does not decode from its own bytes \(encoded)")
        }
        guard again.packet == packet, again.end == encoded.count else {
            return Violation(description: "\(packet) became \(again.packet)")
        }
        return nil
    }
}

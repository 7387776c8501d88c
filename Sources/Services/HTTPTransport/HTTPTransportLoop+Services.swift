import HTTPServer
import Logging
import Messages
import Metrics
import Model
import Reactor
import TransportCore

/// Requests that the transport API answers: provisioning and downloads (`device-api.md` 8.1, 9.4).
extension HTTPTransportLoop {
    func provision(_ request: HTTPRequest, _ reply: HTTPReply) {
        guard !request.body.isEmpty else {
            metrics.count(.invalid)
            return reply.respond(DeviceAPIErrors.missingBody)
        }
        let question: ProvisionRequest
        do throws(DevicePayloadError) {
            question = try ProvisionJSON.request(request.body.span)
        } catch {
            metrics.count(.invalid)
            return reply.respond(DeviceAPIErrors.invalidProvisioning(request.body))
        }
        let (api, metrics) = (transport.api, metrics)
        Task(executorPreference: loop) {
            let answer = ProvisionJSON.response(await api.provision(question))
            metrics.count(answer == nil ? .unavailable : .accepted)
            reply.respond(answer.map { .json($0) } ?? .empty(500))
        }
    }

    func download(_ download: OTADownload, _ session: SessionInfo, _ reply: HTTPReply) {
        let (api, metrics) = (transport.api, metrics)
        let device = session.device
        Task(executorPreference: loop) {
            let answer = await api.otaPackage(device: device.deviceID, tenant: device.tenantID, kind: download.kind)
            let result = DownloadAnswer.response(answer, download, api)
            metrics.count(result.outcome)
            reply.respond(result.response)
        }
    }
}

/// What a device that asks for a package gets.
private enum DownloadAnswer {
    static func response(
        _ answer: OTAPackageResponse, _ download: OTADownload, _ api: any TransportAPI
    ) -> (response: HTTPResponse, outcome: HTTPTransportMetrics.Outcome) {
        switch answer {
        case .found(let package):
            guard package.title == download.title, package.version == download.version else {
                return (.empty(400), .invalid)
            }
            return (stream(package, download, api), .accepted)
        case .notFound: return (.empty(404), .invalid)
        case .unavailable: return (.empty(500), .unavailable)
        }
    }

    /// Bytes that are read and sent at once.
    private static let blockBytes = 1 << 20

    private enum DownloadError: Error {
        case unreadable
    }

    private static func stream(
        _ package: OTAPackageInfo, _ download: OTADownload, _ api: any TransportAPI
    ) -> HTTPResponse {
        let start = min(package.size, Int64(download.size) * Int64(download.chunk))
        let end = download.size == 0 ? package.size : min(package.size, start + Int64(download.size))
        let fields = [
            ("Content-Disposition", "attachment;filename=\(headerText(package.fileName))"),
            ("x-filename", headerText(package.fileName)),
            (
                "Content-Type",
                package.contentType.isEmpty ? "application/octet-stream" : headerText(package.contentType)
            ),
        ]
        return .streaming(fields: fields, length: Int(end - start)) { writer in
            var offset = start
            while offset < end {
                let length = Int(min(Int64(blockBytes), end - offset))
                guard let block = await api.otaPackageData(package.id, offset: offset, length: length),
                    block.count == length
                else { throw DownloadError.unreadable }
                try await writer.write(block)
                offset += Int64(length)
            }
        }
    }

    /// A name that users gave, without what would end a header field.
    private static func headerText(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
    }
}

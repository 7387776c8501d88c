internal import Metrics
internal import Reactor
internal import Synchronization

// MARK: - Phases and their deadlines
extension HTTPConnection {
    /// Notes what the connection waits for now.
    ///
    /// - Parameter leftover: Bytes of input that were not taken; nil when no input was looked at.
    func settle(leftover: Int?) {
        guard connection != nil else { return }
        switch phase {
        case .lingering: return
        case .body where incoming != nil: continueIfPossible()
        case .head where leftover == nil: break
        case .idle, .head, .body, .waiting:
            if let leftover, leftover > 0, !isPaused {
                if phase != .head { enter(.head, server.configuration.headTimeout) }
            } else if !exchanges.isEmpty {
                phase = .waiting
            } else if phase != .idle || leftover != nil {
                enter(.idle, server.configuration.idleTimeout)
            }
        }
        resumeIfPossible()
        if server.isStopping, phase == .idle { connection?.close(.shutdown) }
    }

    private func enter(_ phase: Phase, _ time: Duration) {
        self.phase = phase
        deadline = loop.now + time
    }

    /// Looks at the deadlines; called now and then.
    func sweep(_ now: MonotonicTime) {
        if isStalled(now) { return abort() }
        expireAnswer(now)
        guard now >= deadline else { return }
        switch phase {
        case .idle:
            connection?.close(.timeout)
        case .head:
            refuse(.headTimeout)
        case .body:
            checkBodyRate(now)
        case .waiting:
            break
        case .lingering:
            closeWhenSent()
        }
    }

    /// Whether output waits and not one byte of it was taken for the write timeout.
    private func isStalled(_ now: MonotonicTime) -> Bool {
        guard let connection else { return false }
        let delivered = writtenBytes - connection.pendingOutputBytes
        if connection.pendingOutputBytes == 0 || delivered != deliveredBytes {
            deliveredBytes = delivered
            lastProgress = now
        }
        return now - lastProgress >= server.configuration.writeTimeout
    }

    private func checkBodyRate(_ now: MonotonicTime) {
        guard let body = incoming else { return }
        guard body.bytes.count - body.bytesAtPeriodStart >= server.configuration.minimumBodyBytesPerPeriod else {
            return refuse(.bodyTimeout, of: body.head)
        }
        incoming?.bytesAtPeriodStart = body.bytes.count
        deadline = now + server.configuration.bodyPeriod
    }

    private func expireAnswer(_ now: MonotonicTime) {
        guard let limit = server.configuration.answerTimeout, let first = exchanges.first, first.isWaiting,
            now - first.started >= limit
        else { return }
        server.metrics.refused[.answerTimeout]?.increment()
        let error = RequestError.answerTimeout
        let response = server.configuration.errorRenderer(error.status, error.message, nil)
        cancelledBelow.store(max(firstTicket + 1, cancelledBelow.load(ordering: .relaxed)), ordering: .relaxed)
        first.onCancel?()
        complete(firstTicket, with: response)
    }

    /// Answers what is there and takes nothing more.
    func stop() {
        guard connection != nil else { return }
        if exchanges.isEmpty, incoming == nil {
            connection?.close(.shutdown)
        } else if !exchanges.isEmpty {
            exchanges[exchanges.count - 1].keepsAlive = false
            dropIncoming()
            input = .discarding
        }
    }
}

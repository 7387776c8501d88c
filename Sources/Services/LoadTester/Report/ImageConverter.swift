internal import Glibc

/// Turns an SVG file into a PNG file with a program of the machine.
enum ImageConverter {
    /// Programs that can, best first, with their arguments for an input and an output.
    private static let programs: [(name: String, arguments: @Sendable (String, String) -> [String])] = [
        ("rsvg-convert", { ["-o", $1, $0] }),
        ("magick", { [$0, $1] }),
        ("inkscape", { ["--export-filename=\($1)", $0] }),
    ]

    /// The first of the programs that is installed.
    static func installedProgram() -> String? {
        programs.lazy.map(\.name).first { path(of: $0) != nil }
    }

    /// Whether a PNG can be made here at all, by one of the programs or by gnuplot.
    static var isAvailable: Bool { installedProgram() != nil || path(of: "gnuplot") != nil }

    /// - Returns: whether the program ended well.
    static func convert(svg input: String, png output: String) -> Bool {
        guard let program = programs.first(where: { path(of: $0.name) != nil }) else { return false }
        return run(program.name, program.arguments(input, output))
    }

    /// Runs gnuplot on the script in a file.
    static func gnuplot(script: String) -> Bool { run("gnuplot", [script]) }

    private static func path(of program: String) -> String? {
        let folders = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        return folders.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    private static func run(_ program: String, _ arguments: [String]) -> Bool {
        guard let path = path(of: program) else { return false }
        var vector: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for argument in vector { free(argument) } }
        var child: pid_t = 0
        guard posix_spawn(&child, path, nil, nil, &vector, environ) == 0 else { return false }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { return false }
        }
        return status == 0
    }
}

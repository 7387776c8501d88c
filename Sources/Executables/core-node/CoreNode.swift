import ClusterRuntime
import Glibc

@main
enum Main {
    static func main() async {
        exit(await ClusterCommand.run(.coreNode))
    }
}

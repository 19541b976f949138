namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>
/// A directory with a program <c>docker</c>, whose <c>exec -i NAME buildctl dial-stdio</c> carries a connection to the BuildKit of a Docker Engine:
/// a container of buildkitd would need an image of it.
/// </summary>
internal sealed class ExecProgram : IDisposable
{
    // It asks for Docker's upgrade to HTTP/2, and then copies both ways like buildctl (moby/buildkit, cmd/buildctl/dialstdio.go). perl-base is on every Debian.
    private const string Script = """
        #!/usr/bin/perl
        use strict; use warnings; use Socket; use FindBin;
        "@ARGV" =~ /^exec -i (\w+) buildctl dial-stdio$/ or die "unexpected arguments: @ARGV\n";
        socket(my $engine, PF_UNIX, SOCK_STREAM, 0) or die $!;
        connect($engine, sockaddr_un(readlink("$FindBin::Bin/$1"))) or die "Error response from daemon: No such container: $1\n";
        syswrite($engine, "POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
        my $answer = '';
        while ($answer !~ /\r\n\r\n$/) { sysread($engine, $answer, 1, length $answer) or die "the engine hung up\n"; }
        $answer =~ / 101 / or die $answer;
        sub put { my ($to, $bytes) = @_; while (length $bytes) { my $count = syswrite($to, $bytes) or exit 1; substr($bytes, 0, $count, ''); } }
        if (my $child = fork) {
            while (sysread($engine, my $bytes, 1 << 16)) { put(\*STDOUT, $bytes); }
            close STDOUT; shutdown(STDIN, 1); kill 'TERM', $child; exit 0;
        }
        while (sysread(STDIN, my $bytes, 1 << 16)) { put($engine, $bytes); }
        shutdown($engine, 1);
        """;

    private readonly ContextFolder _folder = new();

    public ExecProgram() => _folder.Write("docker", Script, "755");

    /// <summary>A text that each of its command lines has.</summary>
    public string Mark => _folder.At("docker");

    /// <summary>A PATH with it before all others.</summary>
    public string SearchPath => $"{_folder.Path}:/usr/bin:/bin";

    /// <summary>Adds a container.</summary>
    /// <param name="name">Its name: letters and digits.</param>
    /// <param name="socket">The socket of a Docker Engine.</param>
    public void Add(string name, string socket) => File.CreateSymbolicLink(_folder.At(name), socket);

    public void Dispose() => _folder.Dispose();
}

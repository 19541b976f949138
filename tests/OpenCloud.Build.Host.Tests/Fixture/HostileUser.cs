using System.Diagnostics;
using Xunit;

namespace OpenCloud.Build.Host.Tests.Fixture;

/// <summary>
/// The user <c>ubuntu</c> of a host, who does what a local user can while root works there: all the time, and at each step, after root has looked and
/// before it changes something. What the user got hold of is written down in the host.
/// </summary>
internal sealed class HostileUser : IDisposable
{
    /// <summary>A token that is in root's environment at each command.</summary>
    public const string Token = "sesame-of-root";

    // Root's files that the attacks aim at, and where another line would make somebody root.
    private const string Watched =
        """
        find /srv/victim -printf '%p %y %m %u %g %s\n' | LC_ALL=C sort; find /srv/victim -type f -exec sha256sum {} + | LC_ALL=C sort; sha256sum /etc/passwd /etc/shadow /etc/sudoers.d/* 2>/dev/null
        find /etc/tmpfiles.d /etc/systemd/system /etc/cron.d ! -type d -newer /srv/stamp ! -path '*opencloud.build*' ! -path '*buildkit*' | LC_ALL=C sort; ls /etc/sudoers.d 2>/dev/null
        """;

    // Kind, target, number. /run/attack has, for steps by their number, what is done at them.
    private const string AtEach =
        """
        echo "$3 $1 $2" >> /run/steps
        how=$(sed -n "s/^$3 //p" /run/attack)
        exec runuser -u ubuntu -- /bin/sh /ocb/share/as-user.sh "$1" "$2" "$how" >/dev/null 2>&1
        """;

    private const string AsUser =
        """
        t=$2; how=$3; s=/run/user/$(id -u)/buildkit/buildkitd.sock
        [ "$1" = Unit ] && t=$s
        case $t in
          /home/ubuntu/* | /run/user/* | /run/buildkit-rootless/ubuntu*) mine=yes ;;
          *) mine= ;;
        esac
        # Where root's things are nothing succeeds.
        try() { "$@" && echo "$*" >> /tmp/wrote; }
        for p in /run/buildkit/buildkitd.sock /run/opencloud.build/lock /var/lib/opencloud.build/journal.json /var/lib/opencloud.build/rootless/ubuntu/journal.json "${mine:-$t}"; do
          d=${p%/*}; [ "${p#/}" != "$p" ] && [ -d "$d" ] || continue
          try mv "$p" "$p.aside"; try rm -r "$p"; try ln -s /srv/victim/file "$p.x"; try mkfifo "$p.x"; try touch "$d/x"; try chmod 0777 "$d"; try mv "$d" "$d.aside"
        done
        [ -n "$mine" ] && [ -n "$how" ] || exit 0
        d=${t%/*}
        case $how in
          link) rm -rf "$t"; mkdir -p "$d"; ln -s /srv/victim/file "$t" ;;
          links) rm -rf "$t"; mkdir -p "$d"; ln -s /srv/victim "$t" ;;
          above) mv "$d" "$d.aside"; ln -s /srv/victim "$d" ;;
          pipe) rm -rf "$t"; mkdir -p "$d"; mkfifo "$t" ;;
          zero) rm -rf "$t"; mkdir -p "$d"; ln -s /dev/zero "$t" ;;
          sparse) rm -rf "$t"; mkdir -p "$d"; truncate -s 1T "$t" ;;
          tree) rm -rf "$t"; mkdir -p "$t/a/b"; ln -s /srv/victim "$t/a/c"; mkfifo "$t/a/d" ;;
          gone) rm -rf "$d" ;;
          stopped) pkill -STOP -x -u "$(id -u)" systemd ;;
          busy) setsid perl /ocb/share/busy.pl "$s" & ;;
        esac
        """;

    // Listens in the engine's place, again and again, with a backlog that is full.
    private const string Busy =
        """
        use IO::Socket::UNIX; my $until = time + 12;
        while (time < $until) {
          unlink $ARGV[0];
          my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 0);
          my $c = $s && IO::Socket::UNIX->new(Peer => $ARGV[0]);
          select undef, undef, undef, 0.2;
        }
        """;

    // Takes, or writes to, whatever of somebody else's turns up where all may write.
    private const string Temporaries =
        """
        for my $d ("/tmp", "/var/tmp", "/run/lock") { opendir my $h, $d or next; $seen{"$d/$_"} = 1 for readdir $h }
        sub wrote { open my $w, ">>", "/tmp/wrote"; print $w "$_[0]\n" }
        while (1) {
          for my $d ("/tmp", "/var/tmp", "/run/lock") {
            opendir my $h, $d or next;
            # What is there from the boot on is no work of root's now.
            for (grep { !/^\.\.?$/ && !$seen{"$d/$_"}++ } readdir $h) {
              my $p = "$d/$_"; my @s = lstat $p or next; next if $s[4] == $> || $s[4] != 0;
              if (rename $p, "$p.x") { wrote("renamed $p") } elsif (-f _ && open my $f, ">>", $p) { wrote("opened $p") } elsif (-d _ && symlink "/srv/victim/file", "$p/x") { wrote("made $p/x") }
            }
          }
          select undef, undef, undef, 0.01;
        }
        """;

    // Connections that say nothing, as many as there may be.
    private const string Silent =
        """
        use IO::Socket::UNIX;
        while (1) { my @c = map { IO::Socket::UNIX->new(Peer => "/run/buildkit/buildkitd.sock") } 1..200; select undef, undef, undef, 0.5 }
        """;

    private readonly SystemdHost _host;
    private readonly string _before;
    private readonly List<string> _units = [];

    public HostileUser(SystemdHost host)
    {
        _host = host;
        foreach ((string? name, string? text) in new[] { ("at-each.sh", AtEach), ("as-user.sh", AsUser), ("busy.pl", Busy), ("temporaries.pl", Temporaries), ("silent.pl", Silent) })
        {
            File.WriteAllText($"{host.Share}/{name}", text + "\n");
        }

        host.Shell(
            """
            mkdir -p /srv/victim/buildkit/t/1/a /srv/victim/share/buildkit /srv/victim/state/opencloud.build; echo "root's" > /srv/victim/file; echo "root's" > /srv/victim/buildkit/t/1/a/b
            touch /srv/stamp; chmod -R go-w /srv/victim; command -v flock perl >/dev/null
            """);
        _before = host.Shell(Watched);
    }

    /// <summary>What is done at a step whose target the user owns.</summary>
    public static IReadOnlyList<string> Ways { get; } = ["link", "above", "pipe", "tree", "zero", "gone", "links", "sparse"];

    /// <summary>What goes on all the time: locks, temporary files, other people's environments, silent connections.</summary>
    public void AttackAllTheTime()
    {
        As("for n in opencloud.build.lock opencloud.build-0.lock opencloud-build opencloud.build; do ln -s /srv/victim/file /tmp/$n; ln -s /srv/victim/file /var/tmp/$n; done");
        Begin("ubuntu", "while :; do for f in /run/opencloud.build/lock /run/opencloud.build /run/opencloud.build.lock /var/lib/opencloud.build /var/lib/opencloud.build/journal.json; do flock -n $f sleep 5; done; sleep 0.05; done");
        Begin("ubuntu", "exec perl /ocb/share/temporaries.pl");
        Begin("ubuntu", "exec perl /ocb/share/silent.pl");
        ReadEnvironments();
    }

    /// <summary>Tries to put another socket in the engine's place, all the time until it is ended.</summary>
    public IDisposable AttackTheSocket()
        => Begin("ubuntu", "while :; do mv /run/buildkit/buildkitd.sock /run/buildkit/aside && echo moved >> /tmp/wrote; ln -s /srv/victim/file /run/buildkit/otel-grpc.sock && echo linked >> /tmp/wrote; sleep 0.05; done");

    /// <summary>Looks for root's token in the environments that may be read.</summary>
    public void ReadEnvironments() => Begin("ubuntu", $"while :; do grep -aqs {Token} /proc/[0-9]*/environ && echo environment >> /tmp/wrote; sleep 0.05; done");

    /// <summary>Starts something that goes on until this ends.</summary>
    public IDisposable Begin(string user, string script)
    {
        string unit = $"attack-{Guid.NewGuid():N}";

        // In a file, since systemd would read what looks like its variables.
        File.WriteAllText($"{_host.Share}/{unit}.sh", script + "\n");
        _host.Run("systemd-run", "--quiet", $"--unit={unit}", $"--uid={user}", "/bin/sh", $"/ocb/share/{unit}.sh");
        _units.Add(unit);
        return new Attack(_host, unit);
    }

    /// <summary>Does something as the user, which must work.</summary>
    public void As(string script) => Assert.Equal(0, Try(script));

    /// <summary>Tries something as the user.</summary>
    public int Try(string script) => _host.Try("runuser", "-u", "ubuntu", "--", "/bin/sh", "-c", script).ExitCode;

    /// <summary>Root's work, with the attacks at each of its steps, bounded: nothing that a user does may hold root for long.</summary>
    /// <param name="seconds">The bound, which is that of a busy machine.</param>
    /// <param name="arguments">What is done.</param>
    public DriverAnswer Root(int seconds, params string[] arguments) => Root(seconds, [], arguments);

    /// <summary>The same, with steps attacked whose targets are the user's.</summary>
    /// <param name="seconds">The bound.</param>
    /// <param name="attacks">By the number of a step what is done at it.</param>
    /// <param name="arguments">What is done.</param>
    public DriverAnswer Root(int seconds, IReadOnlyList<(int Step, string Way)> attacks, params string[] arguments)
    {
        // All with one call, which costs as much as the work itself on a busy machine.
        const string Script =
            """
            printf '%b' "$1" > /run/attack; shift; rm -f /run/steps
            code=0; "$@" || code=$?
            echo; echo ----; WATCHED
            echo ----; cat /tmp/wrote 2>/dev/null; echo ----; cat /run/steps 2>/dev/null; exit $code
            """;
        string[] command = ["env", $"OCB_TOKEN={Token}", .. SystemdHost.DriverCommand.Split(' '), .. arguments, "--at-each", "/ocb/share/at-each.sh"];
        long start = Stopwatch.GetTimestamp();
        CommandResult done = _host.Try(["/bin/sh", "-c", Script.Replace("WATCHED", Watched, StringComparison.Ordinal), "sh", string.Concat(attacks.Select(attack => $"{attack.Step} {attack.Way}\\n")), .. command]);
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        string what = $"{string.Join(' ', arguments)}, with {(attacks.Count == 0 ? "nothing at a step" : string.Join(", ", attacks.Select(attack => $"'{attack.Way}' at step {attack.Step}")))}";
        Assert.True(took < TimeSpan.FromSeconds(seconds), $"{what} took {took.TotalSeconds:0} s.\n{_host.Shell("ps -ef | tail -20")}");

        // Done, or refused with words; nothing else.
        Assert.True(done.ExitCode is 0 or 3, $"{what}: {done.ExitCode}\n{done.Error}\n{done.Output}");
        string[] parts = done.Output.Split("----\n");
        RequireUntouched(what, parts[^3], parts[^2]);
        Steps = [.. parts[^1].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 3))
            .Select(words => (int.Parse(words[0], System.Globalization.CultureInfo.InvariantCulture), words[1], words[2]))];
        return DriverAnswer.Of(new CommandResult(done.ExitCode, parts[0], done.Error));
    }

    /// <summary>The steps of the last work: number, kind and target.</summary>
    public IReadOnlyList<(int Number, string Kind, string Target)> Steps { get; private set; } = [];

    /// <summary>Nothing of root's was changed, and the user got hold of nothing.</summary>
    public void Check(string after) => RequireUntouched(after, _host.Shell(Watched), _host.Shell("cat /tmp/wrote 2>/dev/null || :"));

    private void RequireUntouched(string after, string watched, string wrote)
    {
        Assert.True(_before.Trim() == watched.Trim(), $"After {after}:\n{watched}\nBefore:\n{_before}");
        Assert.True(wrote.Trim().Length == 0, $"After {after}: {wrote}");
    }

    public void Dispose()
    {
        foreach (string unit in _units)
        {
            _host.Try("systemctl", "stop", unit);
        }
    }

    private sealed class Attack(SystemdHost host, string unit) : IDisposable
    {
        public void Dispose() => host.Try("systemctl", "stop", unit);
    }
}

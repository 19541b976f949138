using System.Net.Sockets;
using OpenCloud.Build.Host.Access;
using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Files;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Host.Systemd;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// The differences between kinds of engines for the installer: paths, prerequisites, texts, units, and the principal that verifies the engine.
/// </summary>
internal abstract class EngineLayout(InstallRun run, InstallPlan plan)
{
    public InstallPlan Plan => plan;

    public abstract string Prefix { get; }

    /// <summary>The folder of the journal and the manifest.</summary>
    public virtual string Records => ChangeJournal.StateDirectory;

    public virtual string Downloads => SystemPaths.Downloads;

    /// <summary>Whether the programs are root's.</summary>
    public virtual bool AsRoot => true;

    public virtual BuildKitWorker Worker => BuildKitWorker.Oci;

    public virtual string Namespace => string.Empty;

    public abstract string Group { get; }

    /// <summary>The settings of an engine without a network; null for one with a network.</summary>
    public virtual Isolation? Isolation => null;

    /// <summary>The TCP address and certificates of an engine that listens with mutual TLS; null for one that does not.</summary>
    public virtual TlsListener? Tls => null;

    /// <summary>The user of a rootless engine; null for root's.</summary>
    public virtual string? User => null;

    /// <summary>The engine's address; null when there will be no engine yet.</summary>
    public abstract string? Address { get; }

    /// <summary>The record that restarts a running engine from its old files; null when it does not run.</summary>
    public abstract UnitRestored? Running { get; }

    /// <summary>Whether the engine cannot start before another user has done a part.</summary>
    public virtual bool IsBlocked => false;

    /// <summary>The recorded changes of an earlier installation that were undone.</summary>
    public virtual IReadOnlyCollection<HostChange> Retired => [];

    protected InstallRun Run => run;

    /// <summary>Prepares the records, and refuses what can be checked only while no other run is active.</summary>
    public virtual void Begin()
    {
    }

    /// <summary>Installs the prerequisites: the slowest and least reliable steps, before any program is replaced.</summary>
    public abstract void BeforePrograms();

    /// <summary>Writes settings and units, and whatever else the engine starts with.</summary>
    public abstract void WriteTexts();

    /// <summary>Whether a service manager can start the engine; otherwise it warns.</summary>
    public abstract bool RequireManager();

    /// <summary>Enables the units at boot, and starts them when they are to be started now.</summary>
    public abstract void StartUnits(bool start);

    /// <summary>The principals that must reach the engine, and those that must not.</summary>
    public abstract EngineVerifier Verifier();

    /// <summary>Undoes what an earlier installation had and this one does not include.</summary>
    public virtual void Retire()
    {
    }

    /// <summary>Refuses an unsuitable rootlesskit in the stage.</summary>
    /// <exception cref="HostException">It is unsuitable.</exception>
    public virtual void CheckRootlessKit(string program, string origin)
    {
    }

    /// <summary>The facts that only a rootless installation has; null for others.</summary>
    public virtual RootlessFacts? Facts(ArchiveSteps archives) => null;

    /// <summary>The script with root's part; null when there is none.</summary>
    public virtual string? RootScript(EngineAnswer? engine) => null;

    public virtual void DropEmptyRecords() => ChangeJournal.RemoveStateIfEmpty();

    /// <summary>Writes the engine's settings, or keeps those of a user.</summary>
    protected void Settings(string path, string text, TextOwner present, string? actor, IEnumerable<HostStep> folders)
    {
        if (present is TextOwner.User or TextOwner.EditedByUser)
        {
            run.Note($"'{path}' was edited and is kept.");
            run.Runner.Run(HostStep.Done(StepKind.File, path, "Keep your settings"));
            return;
        }

        run.Runner.Run(folders);
        run.Runner.Run(FileSteps.Write(path, text, actor, run.BeforeExchange, keepWithoutPurge: true));
    }

    /// <summary>Refuses a socket on which a process of another unit listens.</summary>
    /// <exception cref="HostException">Another process listens there.</exception>
    protected static void RefuseForeignEngine(string path, string? ownUnit)
    {
        if (!File.Exists(path))
        {
            return;
        }

        try
        {
            using Socket socket = UnixSocket.Connect(path, UnixSocket.DefaultTimeout, CancellationToken.None);
            PeerCredentials peer = PeerCredentials.Of(socket);
            string? unit = Systemctl.UnitOf(peer.Pid);
            if (unit is null || unit != ownUnit)
            {
                throw new HostException(
                    HostErrorKind.Conflict,
                    $"{peer.Program ?? "A process"} ({peer.Pid}, {unit ?? "no unit"}) already listens on {path}.",
                    "Stop it and disable its unit, then run the command again.",
                    path);
            }
        }
        catch (SocketException)
        {
            // No listener: a stale file, which the engine or its socket unit replaces.
        }
    }

    /// <summary>Refuses a prefix below a folder that others can write to: they could replace programs that root runs from there.</summary>
    /// <exception cref="HostException">The prefix is below such a folder.</exception>
    internal static void RequirePrefixOfRoot(string prefix)
    {
        if (DirectoryWalk.FirstOpenToOthers(Path.Combine(prefix, "bin"), 0) is { } open)
        {
            throw new HostException(
                HostErrorKind.InvalidInput,
                $"Users other than root can write to '{open}', and could replace the programs below it.",
                $"Use a prefix that only root can write to, such as /usr/local, or restrict access to '{open}' (chown root:root, chmod go-w).",
                prefix);
        }
    }
}

using OpenCloud.Build.Host.Changes;
using OpenCloud.Build.Host.Commands;

namespace OpenCloud.Build.Host.Install;

/// <summary>One run of the installer: what is requested, the journal of its changes, and its messages.</summary>
internal sealed class InstallRun(IHostObserver observer, InstallOptions options, bool update, bool planOnly, CancellationToken cancellationToken)
{
    private readonly List<string> _messages = [];

    public IHostObserver Observer => observer;

    public InstallOptions Options => options;

    /// <summary>Whether the version of an existing installation is changed, which keeps its other settings.</summary>
    public bool Update => update;

    public bool PlanOnly => planOnly;

    public CancellationToken CancellationToken => cancellationToken;

    public IReadOnlyList<string> Messages => _messages;

    public ChangeJournal Journal { get; private set; } = ChangeJournal.Empty();

    public StepRunner Runner { get; private set; } = new(observer, ChangeJournal.Empty(), cancellationToken);

    /// <summary>The record that restarts the engine from the old files; null when it did not run.</summary>
    public UnitRestored? Restored { get; set; }

    /// <summary>Whether the engine ran when the run began.</summary>
    public bool WasActive => Restored is not null;

    /// <summary>Whether files that the engine runs from were replaced.</summary>
    public bool Exchanged { get; private set; }

    /// <summary>Opens the journal, or the one that an interrupted run left.</summary>
    public void OpenJournal(string records)
    {
        Journal = ChangeJournal.Open(records);
        Runner = new StepRunner(observer, Journal, cancellationToken);
        if (Journal.Changes.Count > 0)
        {
            observer.Warning("An earlier run was interrupted; it is completed now.");
        }

        if (Journal.Changes.Any(change => change is PackagesInstalled { Added: null }))
        {
            // A package that is unpacked but not configured has its programs in place and looks installed.
            Packages.Repair();
        }
    }

    /// <summary>Called before a file that the engine runs from is replaced.</summary>
    public void BeforeExchange()
    {
        if (Restored is not null && !Exchanged)
        {
            Journal.Append(Restored);
        }

        Exchanged = true;
    }

    public void Warn(string text)
    {
        _messages.Add(text);
        observer.Warning(text);
    }

    public void Note(string text)
    {
        _messages.Add(text);
        observer.Verbose(text);
    }
}

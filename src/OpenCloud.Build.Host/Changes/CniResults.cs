using System.Text.RegularExpressions;
using OpenCloud.Build.Host.Files;

namespace OpenCloud.Build.Host.Changes;

/// <summary>
/// The folder where the engine records the network setup of each step. CNI's library keeps the records in /var/lib/cni/results for
/// every program of the host that uses it, in files NETWORK-CONTAINER-INTERFACE (containernetworking/cni, libcni/api.go), and
/// the engine has no setting for another folder. Other programs may share the folder, so only files of this module's network
/// are removed, and the folder only when it is empty and did not exist before.
/// </summary>
internal sealed partial record CniResults(string Target, bool FolderWasThere, bool ResultsWereThere) : HostChange(Target)
{
    public const string Folder = "/var/lib/cni";

    /// <summary>The action of its removal, as the beginning of a sentence.</summary>
    public const string Removal = "Remove the network results of the engine, and empty directories, from";

    private string Results => ResultsOf(Target);

    /// <summary>Records whether the folders exist, then creates them as the library would.</summary>
    public static HostStep Expect(IEnumerable<HostChange> recorded) => new(
        StepKind.File,
        Folder,
        Directory.Exists(ResultsOf(Folder)) ? "Record the network results of the engine in" : "Create the directory",
        () => recorded.Any(static change => change is CniResults),
        static () => Before(Folder),
        static _ => Create(Folder));

    public static CniResults Before(string folder) => new(folder, Directory.Exists(folder), Directory.Exists(ResultsOf(folder))) { KeepWithoutPurge = true };

    /// <summary>Creates the missing folders, accessible to root only.</summary>
    public static void Create(string folder)
    {
        Directory.CreateDirectory(folder, FileModes.OwnerOnly);
        Directory.CreateDirectory(ResultsOf(folder), FileModes.OwnerOnly);
    }

    public override void Undo(Action<string> report)
    {
        if (Directory.Exists(Results))
        {
            HashSet<string> names = Directory.EnumerateFiles(Results).Select(static path => Path.GetFileName(path)).ToHashSet(StringComparer.Ordinal);
            foreach (string? name in names)
            {
                if (OfThisNetwork().Match(name) is { Success: true } own)
                {
                    // Loopback's network has the same name for every program; only the container id shows that the file is the engine's. It is
                    // removed first, so an interrupted removal can find it again.
                    string loopback = $"cni-loopback-{own.Groups["container"].Value}-lo";
                    if (names.Contains(loopback))
                    {
                        File.Delete(Path.Combine(Results, loopback));
                    }

                    File.Delete(Path.Combine(Results, name));
                }
            }
        }

        if (!ResultsWereThere)
        {
            ChangeJournal.RemoveStateIfEmpty(Results);
        }

        if (!FolderWasThere)
        {
            ChangeJournal.RemoveStateIfEmpty(Target);
            if (Directory.Exists(Target))
            {
                report($"'{Target}' contains files of other software and is kept.");
            }
        }
    }

    private static string ResultsOf(string folder) => Path.Combine(folder, "results");

    // BuildKit's ids are 25 letters and digits (identity/randomid.go), its interfaces eth0 and on (util/network/cniprovider).
    [GeneratedRegex(@"^opencloud\.build-isolated-(?<container>[0-9a-z]{25})-eth[0-9]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex OfThisNetwork();
}

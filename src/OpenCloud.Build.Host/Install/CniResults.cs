using System.Text.RegularExpressions;
using OpenCloud.Build.Host.Changes;

namespace OpenCloud.Build.Host.Install;

/// <summary>
/// Where the engine notes how it set up the network of each step. CNI's library keeps that in /var/lib/cni/results for every
/// program of the host that uses it, in files NETWORK-CONTAINER-INTERFACE (containernetworking/cni, libcni/api.go), and the
/// engine has no setting to keep its own elsewhere. So the folder may be somebody else's as well: only files of this module's
/// network are taken away, and the folder only if it is empty and was not there before.
/// </summary>
/// <param name="Target">The folder.</param>
/// <param name="FolderWasThere">It was there before.</param>
/// <param name="ResultsWereThere">So was the one within it.</param>
internal sealed partial record CniResults(string Target, bool FolderWasThere, bool ResultsWereThere) : HostChange(Target)
{
    /// <summary>Where they are on every host.</summary>
    public const string Folder = "/var/lib/cni";

    /// <summary>What taking it back does, as a sentence begins.</summary>
    public const string Removal = "Remove the engine's own results, and what then is empty, from";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private string Results => ResultsOf(Target);

    /// <summary>Writes down whose the folder is, and makes it as the library would.</summary>
    /// <param name="manifest">What is installed; null when nothing is.</param>
    public static HostStep Expect(InstallationManifest? manifest) => new(
        StepKind.File,
        Folder,
        Directory.Exists(ResultsOf(Folder)) ? "Note the engine's own results in" : "Create the directory",
        () => manifest?.Changes.Any(static change => change is CniResults) == true,
        static () => Before(Folder),
        static _ => Make(Folder));

    /// <summary>The record, before anything is made.</summary>
    /// <param name="folder">The folder.</param>
    public static CniResults Before(string folder) => new(folder, Directory.Exists(folder), Directory.Exists(ResultsOf(folder))) { KeepWithoutPurge = true };

    /// <summary>Makes the folder and the one within it where they are not, for root alone.</summary>
    /// <param name="folder">The folder.</param>
    public static void Make(string folder)
    {
        Directory.CreateDirectory(folder, OwnerOnly);
        Directory.CreateDirectory(ResultsOf(folder), OwnerOnly);
    }

    /// <inheritdoc/>
    public override void Undo(Action<string> tell)
    {
        if (Directory.Exists(Results))
        {
            HashSet<string> names = Directory.EnumerateFiles(Results).Select(static path => Path.GetFileName(path)).ToHashSet(StringComparer.Ordinal);
            foreach (string? name in names)
            {
                if (OfThisNetwork().Match(name) is { Success: true } own)
                {
                    // Loopback's network has the same name with everybody: by its container alone is it the engine's. So it goes
                    // first, that what is cut off here can be told again.
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
                tell($"'{Target}' has files of other software in it and is kept.");
            }
        }
    }

    private static string ResultsOf(string folder) => Path.Combine(folder, "results");

    // BuildKit's ids are 25 letters and digits (identity/randomid.go), its interfaces eth0 and on (util/network/cniprovider).
    [GeneratedRegex(@"^opencloud\.build-isolated-(?<container>[0-9a-z]{25})-eth[0-9]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex OfThisNetwork();
}

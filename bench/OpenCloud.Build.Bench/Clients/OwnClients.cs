using System.Runtime.InteropServices;
using OpenCloud.Build.Bench.Engines;
using OpenCloud.Build.Bench.Measuring;

namespace OpenCloud.Build.Bench.Clients;

/// <summary>This project's two ways to build: the cmdlet in a warm pwsh, and a process of the C# sample.</summary>
internal static class OwnClients
{
    /// <summary>Those that are built here; what is not is said.</summary>
    public static IEnumerable<IBenchClient> Create(BenchEngine engine, string scratch, Action<string> missing)
    {
        var sample = Path.Join(Programs.Repository, "samples", "BuildImage", "bin", Configuration(), "net10.0", "BuildImage.dll");
        if (File.Exists(sample))
        {
            yield return new ProcessClient(
                "ours",
                $"OpenCloud.Build, a process ({RuntimeInformation.FrameworkDescription})",
                isPeer: false,
                scratch,
                context => new CommandLine("dotnet", [sample, context, "-", engine.Address]));
        }
        else
        {
            missing("ours: samples/BuildImage is not built");
        }

        var manifest = Path.Join(Programs.Repository, "OpenCloud.Build.psd1");
        var binary = Path.Join(Programs.Repository, "bin", "OpenCloud.Build", "OpenCloud.Build.dll");
        if (Programs.Find("pwsh") is not { } pwsh)
        {
            missing("ours-pwsh: no pwsh on PATH");
        }
        else if (!File.Exists(manifest) || !File.Exists(binary))
        {
            missing("ours-pwsh: the module is not built");
        }
        else
        {
            var version = new CommandLine(pwsh, ["--version"]).CaptureLine();
            yield return new WarmPowerShellClient(pwsh, $"OpenCloud.Build in a warm pwsh ({version})", manifest, engine.Address);
        }
    }

    // .../bin/<configuration>/net10.0/
    private static string Configuration() =>
        Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;
}

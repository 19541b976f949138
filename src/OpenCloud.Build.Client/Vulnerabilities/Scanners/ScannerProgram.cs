using System.Globalization;
using System.Text.Json;
using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.Oci;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Vulnerabilities.Scanners;

/// <summary>Runs trivy or grype on an image, which it gets as an OCI layout. Where their data comes from, they decide.</summary>
/// <remarks>
/// aquasecurity/trivy, docs/guide/target/container_image.md (--input with a layout; --scanners since 0.37); anchore/grype, README (oci-dir:),
/// cmd/grype/cli/options/grype.go (the names of its variables) and cmd/grype/cli/commands/root.go (the report comes before the failure).
/// Trivy's variables: pkg/flag/report_flags.go, db_flags.go and global_flags.go.
/// </remarks>
public static class ScannerProgram
{
    private const int MostOutput = 128 * 1024 * 1024;
    private const int LongestWords = 600;

    // Grype's, when a vulnerability has the severity that its own configuration names. It has written the report before.
    private const int GrypeFailOnStatus = 2;

    // They send the report elsewhere, make another of it or none, or make a failure of vulnerabilities.
    private static readonly string[] Hindering =
    [
        "GRYPE_FAIL_ON_SEVERITY", "GRYPE_FILE", "GRYPE_OUTPUT", "GRYPE_OUTPUT_TEMPLATE_FILE",
        "TRIVY_COMPLIANCE", "TRIVY_DOWNLOAD_DB_ONLY", "TRIVY_DOWNLOAD_JAVA_DB_ONLY", "TRIVY_EXIT_CODE", "TRIVY_EXIT_ON_EOL", "TRIVY_FORMAT",
        "TRIVY_GENERATE_DEFAULT_CONFIG", "TRIVY_OUTPUT", "TRIVY_OUTPUT_PLUGIN_ARG", "TRIVY_TEMPLATE",
    ];

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64 };

    /// <summary>Scans the platforms of an image.</summary>
    /// <param name="scanner">Trivy or Grype.</param>
    /// <param name="image">The image.</param>
    /// <param name="name">The name of the image in the results.</param>
    /// <param name="platforms">The platforms; all when empty.</param>
    /// <param name="timeout">The longest time for one platform.</param>
    /// <param name="cancellationToken">Cancels the scan.</param>
    /// <exception cref="VulnerabilityScanException">The program is missing or failed.</exception>
    /// <exception cref="OciFormatException">The image is damaged.</exception>
    public static async Task<IReadOnlyList<ContainerImageVulnerability>> ScanAsync(
        VulnerabilityScanner scanner, OpenedImage image, string name, IReadOnlyList<Platform> platforms, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        string program = NameOf(scanner);
        string path = ProgramFinder.OnPath(program)
            ?? throw new VulnerabilityScanException(VulnerabilityScanFailure.ScannerMissing, $"The program '{program}' was not found in PATH.{ProgramFinder.Hint(program)}");
        List<ContainerImageVulnerability> found = [];
        foreach (PlatformImage platform in await PlatformImage.ListAsync(image, platforms, cancellationToken).ConfigureAwait(false))
        {
            using PrivateFolder folder = new();
            string layout = Path.Combine(folder.Path, "image");
            await platform.WriteAsync(layout, cancellationToken).ConfigureAwait(false);
            string[] arguments = scanner == VulnerabilityScanner.Trivy
                ? ["image", "--input", layout, "--format", "json", "--scanners", "vuln", "--quiet", "--exit-code", "0", "--timeout", TrivyTime(timeout)]
                : [$"oci-dir:{layout}", "-o", "json", "-q"];
            Dictionary<string, string> environment = ProgramEnvironment.Inherited();
            foreach (string variable in Hindering)
            {
                environment.Remove(variable);
            }

            ProgramCommand command = new(path, arguments, environment) { OutputLimit = MostOutput, Timeout = timeout };
            string output = await RunAsync(scanner, command, cancellationToken).ConfigureAwait(false);
            found.AddRange(Read(scanner, output, name, platform.Platform?.ToString() ?? string.Empty));
        }

        return
        [
            .. found.OrderBy(static f => f.Platform, StringComparer.Ordinal)
                .ThenBy(static f => f.Package, StringComparer.Ordinal)
                .ThenBy(static f => f.Version, StringComparer.Ordinal)
                .ThenByDescending(static f => f.Severity)
                .ThenBy(static f => f.Id, StringComparer.Ordinal),
        ];
    }

    internal static IReadOnlyList<ContainerImageVulnerability> Read(VulnerabilityScanner scanner, string output, string image, string platform)
    {
        try
        {
            using JsonDocument report = JsonDocument.Parse(output, Options);
            // Trivy leaves out results that are empty. An object of another kind is not an image without vulnerabilities.
            string mark = scanner == VulnerabilityScanner.Trivy ? "SchemaVersion" : "matches";
            return report.RootElement.ValueKind != JsonValueKind.Object || !report.RootElement.TryGetProperty(mark, out _) ? throw new JsonException($"'{mark}' is missing")
                : scanner == VulnerabilityScanner.Trivy ? TrivyReport.Read(report.RootElement, image, platform)
                : GrypeReport.Read(report.RootElement, image, platform);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw Failed($"The answer of {NameOf(scanner)} is not a report: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    private static async Task<string> RunAsync(VulnerabilityScanner scanner, ProgramCommand command, CancellationToken cancellationToken)
    {
        string program = NameOf(scanner);
        try
        {
            ProgramResult answer = await ProgramRunner.RunAsync(command, cancellationToken).ConfigureAwait(false);
            if (answer.ExitCode != 0 && (scanner != VulnerabilityScanner.Grype || answer.ExitCode != GrypeFailOnStatus || !IsReport(answer.Output)))
            {
                string words = string.Join("; ", TerminalText.Plain(answer.Error).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).TakeLast(3));
                throw Failed($"{program} ended with exit code {answer.ExitCode}: {(words.Length > 0 ? TerminalText.Bounded(words, LongestWords) : "it wrote no error")}");
            }

            return answer.IsTruncated ? throw Failed($"{program} answered with more than {MostOutput} bytes.") : answer.Output;
        }
        catch (Exception exception) when (exception is TimeoutException or IOException)
        {
            throw Failed($"{program} failed: {exception.Message}", exception);
        }
    }

    private static bool IsReport(string output) => output.AsSpan().TrimStart().StartsWith("{", StringComparison.Ordinal);

    // Trivy's own limit is 5 minutes.
    private static string TrivyTime(TimeSpan timeout) => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, Math.Ceiling(timeout.TotalSeconds)):0}s");

    private static string NameOf(VulnerabilityScanner scanner) => scanner switch
    {
        VulnerabilityScanner.Trivy => "trivy",
        VulnerabilityScanner.Grype => "grype",
        _ => throw new ArgumentOutOfRangeException(nameof(scanner), scanner, "The scanner is not a program."),
    };

    private static VulnerabilityScanException Failed(string message, Exception? cause = null) => new(VulnerabilityScanFailure.ScannerFailed, message, cause);
}

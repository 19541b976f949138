using System.Text.RegularExpressions;
using Grpc.Core;
using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Failures;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Progress;

namespace OpenCloud.Build.Client.Builds;

/// <summary>Classifies failures. BuildKit reports the kind only as text, which is matched here.</summary>
internal static partial class BuildFailureClassifier
{
    /// <summary>The parser's message for a line that is too long; newer parsers say "max allowed size", older ones "maximum".</summary>
    internal const string LongLine = "dockerfile line greater than max";

    private const string DefaultScanner = "docker/buildkit-syft-scanner";

    public static BuildFailureKind KindOf(Status status, string text, BuildKitErrorDetails details, BuildStep? step, ImageBuildRequest? build, DockerfileContent? dockerfile)
    {
        // An engine that reports an unavailable registry differs from an engine that is gone: the latter error arises here and has a cause.
        if (status.StatusCode == StatusCode.Unavailable && (status.DebugException is not null || !IsAboutRegistry(text)))
        {
            return BuildFailureKind.EngineLost;
        }

        if (details.ExitCode is not null || BuildFailure.ExitCodeIn(text) is not null)
        {
            return BuildFailureKind.StepFailed;
        }

        // Go's text for ENOSPC; the text of the C library here begins with a capital letter.
        if (text.Contains("no space left on device", StringComparison.Ordinal))
        {
            return BuildFailureKind.EngineDiskFull;
        }

        if (Has(text, "target stage") && Has(text, "could not be found"))
        {
            return BuildFailureKind.TargetNotFound;
        }

        if (MissingFile.In(text) is not null || SourceFailure.MissingDockerfile(text) is not null)
        {
            return BuildFailureKind.FileNotInContext;
        }

        if (MissingSecret().IsMatch(text))
        {
            return BuildFailureKind.SecretMissing;
        }

        // Comes before the checks for denied access: a policy's message is wrapped in the error that it caused.
        if (Has(text, "denied by policy") || Has(text, "not allowed by policy"))
        {
            return BuildFailureKind.NotAllowed;
        }

        // The steps are named by moby/buildkit, solver/llbsolver and exporter/containerimage.
        if (step?.Error is not null && step.Name.StartsWith("exporting cache", StringComparison.Ordinal))
        {
            return BuildFailureKind.CacheExportFailed;
        }

        // Newer engines return this client's message about tokens without a prefix.
        if (Has(text, "failed to push") || (IsAboutToken(text) && step?.Name.StartsWith("exporting to", StringComparison.Ordinal) == true))
        {
            return BuildFailureKind.PushFailed;
        }

        if (build is not null && ImageIn(text) is { } image)
        {
            if (IsFrontend(build, dockerfile, image))
            {
                return BuildFailureKind.FrontendUnavailable;
            }

            if (IsScanner(build, image))
            {
                return BuildFailureKind.ScannerUnavailable;
            }
        }

        if (Has(text, "failed to resolve source metadata") || Has(text, "pull access denied") || Has(text, "failed to do request") || IsAboutToken(text))
        {
            return BuildFailureKind.BaseImageUnavailable;
        }

        if (SourceFailure.KindOf(text) is { } source)
        {
            return source;
        }

        if (Has(text, "dockerfile parse error") || Has(text, "failed to parse stage name") || Has(text, "unknown instruction")
            || Has(text, "failed to create LLB definition") || Has(text, "no build stage in current context") || Has(text, "file with no instructions")
            || Has(text, "the Dockerfile cannot be empty") || Has(text, LongLine))
        {
            return BuildFailureKind.DockerfileInvalid;
        }

        if (status.StatusCode == StatusCode.PermissionDenied || Has(text, "is not allowed"))
        {
            return BuildFailureKind.NotAllowed;
        }

        if (status.StatusCode == StatusCode.Unimplemented || (Has(text, "exporter") && Has(text, "could not be found")))
        {
            return BuildFailureKind.Unsupported;
        }

        if (Has(text, "error from sender") || Has(text, BuildFailure.InvalidName) || Has(text, "failed to read dockerfile") || Has(text, "no active session") || Has(text, "error from receiver"))
        {
            return BuildFailureKind.ContextFailed;
        }

        return BuildFailureKind.Other;
    }

    private static bool IsAboutToken(string text) => Has(text, TokenFetcher.NoToken) || Has(text, TokenFetcher.FailedService);

    private static bool IsAboutRegistry(string text) =>
        IsAboutToken(text) || Has(text, "failed to push") || Has(text, "failed to authorize") || Has(text, "failed to do request") || Has(text, "failed to resolve source metadata");

    private static bool Has(string text, string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);

    private static ImageReference? ImageIn(string text) =>
        UnresolvedImage().Match(text) is { Success: true } match && ImageReference.TryParse(match.Groups[1].Value, out ImageReference? image) ? image : null;

    private static bool IsFrontend(ImageBuildRequest build, DockerfileContent? dockerfile, ImageReference image)
    {
        string? syntax = build.BuildArguments.GetValueOrDefault("BUILDKIT_SYNTAX")
            ?? ((build.DockerfileText ?? dockerfile?.Text) is { } text ? DockerfileSyntaxDirective.Detect(text) : null);
        return syntax is not null && IsSame(syntax, image);
    }

    private static bool IsScanner(ImageBuildRequest build, ImageReference image) =>
        build.Attestations.Any(a => a.Type == ImageAttestation.Sbom
            && (a.Attributes.TryGetValue("generator", out string? generator) ? IsSame(generator, image) : image.Path == DefaultScanner));

    private static bool IsSame(string reference, ImageReference image) =>
        ImageReference.TryParse(reference, out ImageReference? other) && other.WithDefaultTag().ToString() == image.WithDefaultTag().ToString();

    // moby/buildkit, solver/llbsolver/mounts.
    [GeneratedRegex(@"\bsecret [^\s:]+: not found", RegexOptions.CultureInvariant)]
    private static partial Regex MissingSecret();

    [GeneratedRegex(@"failed to resolve source metadata for ([^\s]+?):? ", RegexOptions.CultureInvariant)]
    private static partial Regex UnresolvedImage();
}

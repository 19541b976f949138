using System.Globalization;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Capabilities;
using OpenCloud.Build.Client.Tls;
using OpenCloud.Build.Host;
using OpenCloud.Build.Host.Diagnosis;

namespace OpenCloud.Build.Hosts;

/// <summary>The steps of a TLS connection to an engine, and the one that fails.</summary>
internal static class TlsDiagnosis
{
    private const string Files = "Certificate files";
    private const string Connection = "Connection";
    private const string Handshake = "TLS";

    /// <summary>The checks up to the end of the handshake.</summary>
    public static async Task<IReadOnlyList<DiagnosisCheck>> RunAsync(EngineAddress address, EngineConnectOptions options, CancellationToken cancellationToken)
    {
        try
        {
            EngineTlsInfo info = await EngineTlsInfo.InspectAsync(address, options, cancellationToken).ConfigureAwait(false);
            return
            [
                new DiagnosisCheck(Files, CheckState.Ok, "readable, and not accessible to others"),
                new DiagnosisCheck(Connection, CheckState.Ok, "accepted"),
                new DiagnosisCheck(Handshake, CheckState.Ok, info.Version),
                Certificate(DiagnosisCheck.ServerCertificate, $"for {string.Join(", ", info.Names)}, issued by {info.Issuer}", info.NotAfter),
                info is { ClientSubject: { } subject, ClientNotAfter: { } end }
                    ? Certificate(DiagnosisCheck.ClientCertificate, subject, end)
                    : new DiagnosisCheck(DiagnosisCheck.ClientCertificate, CheckState.Unknown, "none was given"),
            ];
        }
        catch (EngineConnectException e)
        {
            // The steps before the one that failed.
            string[] steps = [Files, Connection, Handshake, DiagnosisCheck.ServerCertificate, DiagnosisCheck.ClientCertificate];
            string failed = StepOf(e);
            return
            [
                .. steps.TakeWhile(s => s != failed).Select(static s => new DiagnosisCheck(s, CheckState.Ok, "passed")),
                new DiagnosisCheck(failed, CheckState.Failed, e.Message),
            ];
        }
    }

    private static DiagnosisCheck Certificate(string name, string what, DateTimeOffset end)
    {
        string until = end.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        return end - DateTimeOffset.UtcNow < EngineTlsInfo.WarnBefore
            ? new DiagnosisCheck(name, CheckState.Warning, $"the {name.ToLowerInvariant()} ({what}) ends on {until} UTC", "New-BuildKitCertificate -Renew")
            : new DiagnosisCheck(name, CheckState.Ok, $"{what}; valid until {until} UTC");
    }

    private static string StepOf(EngineConnectException error) => error.Tls switch
    {
        TlsProblem.KeyExposed or TlsProblem.FileNotTrusted or TlsProblem.FileInvalid or TlsProblem.KeyMismatch => Files,
        TlsProblem.Untrusted or TlsProblem.Expired or TlsProblem.WrongName or TlsProblem.InvalidCertificate => DiagnosisCheck.ServerCertificate,
        TlsProblem.ClientCertificateMissing or TlsProblem.ClientCertificateRefused => DiagnosisCheck.ClientCertificate,
        null => Connection,
        _ => Handshake,
    };
}

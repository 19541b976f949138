using System.Management.Automation;
using System.Net;
using System.Security;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Tls;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>Reads the parameters of a connection with TLS; paths are relative to the location of the session.</summary>
internal static class TlsArguments
{
    /// <summary>The options of a connection; null when no parameter was used, and the connection is plain.</summary>
    /// <exception cref="BuildErrorException">A path is not in the file system, the server name is invalid, or the parameters do not fit each other.</exception>
    public static EngineTlsOptions? Read(
        PSCmdlet cmdlet, string? directory, string? caCertificate, string? certificate, string? key, SecureString? password, string? serverName)
    {
        if (password is not null && directory is null && certificate is null && key is null)
        {
            throw ErrorCatalog.TlsPasswordNotUsed.ToException("CertificatePassword", null, "A certificate password was given without a certificate.");
        }

        EngineTlsOptions? tls = ReadParts(cmdlet, directory, caCertificate, certificate, key, serverName);
        Check(tls);
        return password is null ? tls : tls! with { Password = new NetworkCredential(string.Empty, password).Password };
    }

    /// <summary>The parameters as they are, of which a registered engine can have the others; null when no parameter was used.</summary>
    /// <exception cref="BuildErrorException">A path is not in the file system, or the server name is invalid.</exception>
    public static EngineTlsOptions? ReadParts(PSCmdlet cmdlet, string? directory, string? caCertificate, string? certificate, string? key, string? serverName)
    {
        if (directory is null && caCertificate is null && certificate is null && key is null && serverName is null)
        {
            return null;
        }

        if (serverName is not null && Uri.CheckHostName(serverName) is UriHostNameType.Unknown or UriHostNameType.Basic)
        {
            throw ErrorCatalog.InvalidServerName.ToException(serverName, null, serverName);
        }

        string? Path(string? path) => path is null ? null : DirectoryArguments.ResolveLiteral(cmdlet, path);
        return new EngineTlsOptions
        {
            Directory = Path(directory),
            CaCertificate = Path(caCertificate),
            Certificate = Path(certificate),
            Key = Path(key),
            ServerName = serverName,
        };
    }

    /// <summary>Checks whether the parameters fit each other. The files are checked with the first connection.</summary>
    /// <exception cref="BuildErrorException">They do not.</exception>
    public static void Check(EngineTlsOptions? tls)
    {
        if (tls is { Directory: { } directory } && (tls.CaCertificate ?? tls.Certificate ?? tls.Key) is not null)
        {
            throw ErrorCatalog.TlsDirectoryAndFiles.ToException(directory, null, directory);
        }

        if (tls is { Key: { } key, Certificate: null })
        {
            throw ErrorCatalog.TlsCertificateMissing.ToException(key, null, key);
        }
    }

    /// <summary>Checks whether an engine at an address can have TLS: over TCP, and with Docker's configuration it can turn out to be there.</summary>
    /// <exception cref="BuildErrorException">It cannot.</exception>
    public static void Check(EngineTlsOptions? tls, EngineAddress address)
    {
        if (tls is not null && address is not ({ Host: not null } or { Scheme: "docker", Path: null } or { Scheme: "docker-context" }))
        {
            throw ErrorCatalog.TlsNotApplicable.ToException(address.ToString(), null, $"{address} cannot have TLS: it is possible only for tcp:// and docker://host:port.");
        }
    }
}

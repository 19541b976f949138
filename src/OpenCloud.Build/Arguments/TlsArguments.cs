using System.Management.Automation;
using System.Net;
using System.Security;
using OpenCloud.Build.Client.Tls;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Arguments;

/// <summary>Reads the parameters of a connection with TLS; paths are relative to the location of the session.</summary>
internal static class TlsArguments
{
    /// <summary>The options; null when no parameter was used, and the connection is plain.</summary>
    /// <exception cref="BuildErrorException">A path is not in the file system, or the server name is invalid.</exception>
    public static EngineTlsOptions? Read(
        PSCmdlet cmdlet, string? directory, string? caCertificate, string? certificate, string? key, SecureString? password, string? serverName)
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
            Password = password is null ? null : new NetworkCredential(string.Empty, password).Password,
            ServerName = serverName,
        };
    }
}

using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace OpenCloud.Build.Client.Tls;

/// <summary>Reads the files of <see cref="EngineTlsOptions"/>: PEM (RFC 7468) or PKCS #12 (RFC 7292). Errors contain names of files, never content.</summary>
internal static class TlsFiles
{
    private const string EncryptedKey = "ENCRYPTED PRIVATE KEY";

    /// <exception cref="TlsException">A file is missing, invalid, or open to other users.</exception>
    public static TlsIdentity Load(EngineTlsOptions options)
    {
        (string? ca, string? certificate, string? key) = Paths(options);
        X509Certificate2Collection? authorities = ca is null ? null : ReadAuthorities(ca);
        if (certificate is null)
        {
            return key is not null ? throw new TlsException(TlsProblem.FileInvalid, $"The private key '{key}' was given without a certificate.")
                : options.Password is not null ? throw new TlsException(TlsProblem.PasswordNotUsed, "A certificate password was given without a certificate.")
                : new TlsIdentity { Authorities = authorities, AuthoritiesFile = ca };
        }

        X509Certificate2Collection chain = ReadCertificate(certificate, key, options.Password);
        return new TlsIdentity
        {
            Authorities = authorities,
            AuthoritiesFile = ca,
            Certificate = chain[0],
            CertificateFile = certificate,
            Context = SslStreamCertificateContext.Create(chain[0], [.. chain.Skip(1)], offline: true),
        };
    }

    private static (string? Ca, string? Certificate, string? Key) Paths(EngineTlsOptions options)
    {
        if (options.Directory is not { } directory)
        {
            return (options.CaCertificate, options.Certificate, options.Key);
        }

        if (options.CaCertificate is not null || options.Certificate is not null || options.Key is not null)
        {
            throw new TlsException(TlsProblem.FileInvalid, "A directory of certificates and single files exclude each other.");
        }

        string? Find(string name) => Path.Join(directory, name) is var path && HasEntry(path) ? path : null;
        (string? ca, string? certificate, string? key) = (Find(EngineTlsOptions.CaFile), Find(EngineTlsOptions.CertificateFile), Find(EngineTlsOptions.KeyFile));
        return ca is null && certificate is null && key is null
            ? throw new TlsException(TlsProblem.FileInvalid, $"The directory '{directory}' contains none of {EngineTlsOptions.CaFile}, {EngineTlsOptions.CertificateFile} and {EngineTlsOptions.KeyFile}, or is not accessible.")
            : (ca, certificate, key);
    }

    // A link to nothing, a directory and a file that cannot be reached count: without a CA's file, the system's authorities are trusted instead.
    private static bool HasEntry(string path)
    {
        try
        {
            _ = File.GetAttributes(path);
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            return true;
        }
    }

    private static X509Certificate2Collection ReadAuthorities(string path)
    {
        X509Certificate2Collection authorities = ImportPem(path, Encoding.UTF8.GetString(TlsFileTrust.Read(path, out _)));
        return authorities.Count > 0 ? authorities : throw new TlsException(TlsProblem.FileInvalid, $"The file '{path}' contains no certificate in PEM form.");
    }

    /// <summary>A certificate with its key, then the intermediate ones.</summary>
    /// <exception cref="TlsException">A file is missing, invalid, or open to other users.</exception>
    public static X509Certificate2Collection ReadCertificate(string path, string? keyPath, string? password)
    {
        byte[] content = TlsFileTrust.Read(path, out FileStatus status);
        try
        {
            string text = Encoding.UTF8.GetString(content);
            if (!text.Contains("-----BEGIN ", StringComparison.Ordinal))
            {
                TlsFileTrust.CheckKey(path, status);
                return keyPath is null
                    ? ReadPkcs12(path, content, password)
                    : throw new TlsException(TlsProblem.FileInvalid, $"The file '{path}' is not in PEM form. A PKCS #12 file contains its key, so no key file can be given with it.");
            }

            X509Certificate2Collection chain = ImportPem(path, text);
            if (chain.Count == 0)
            {
                throw new TlsException(TlsProblem.FileInvalid, $"The file '{path}' contains no certificate.");
            }

            if (keyPath is not null)
            {
                byte[] key = TlsFileTrust.Read(keyPath, out FileStatus keyStatus);
                TlsFileTrust.CheckKey(keyPath, keyStatus);
                chain[0] = Join(path, text, keyPath, Encoding.UTF8.GetString(key), password);
                CryptographicOperations.ZeroMemory(key);
            }
            else if (KeyLabel(text) is not null)
            {
                TlsFileTrust.CheckKey(path, status);
                chain[0] = Join(path, text, path, text, password);
            }
            else
            {
                throw new TlsException(TlsProblem.FileInvalid, $"The certificate '{path}' was given without its private key.");
            }

            return chain;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    private static X509Certificate2Collection ImportPem(string path, string text)
    {
        try
        {
            X509Certificate2Collection found = [];
            found.ImportFromPem(text);
            return found;
        }
        catch (CryptographicException e)
        {
            throw new TlsException(TlsProblem.FileInvalid, $"The file '{path}' contains a damaged certificate.", e);
        }
    }

    private static X509Certificate2Collection ReadPkcs12(string path, byte[] content, string? password)
    {
        X509Certificate2Collection all;
        try
        {
            all = X509CertificateLoader.LoadPkcs12Collection(content, password);
        }
        catch (CryptographicException e)
        {
            throw new TlsException(TlsProblem.FileInvalid, $"The file '{path}' is neither PEM nor PKCS #12, or its password is {(password is null ? "missing" : "wrong")}.", e);
        }

        X509Certificate2[] sorted = [.. all.OrderByDescending(static c => c.HasPrivateKey)];
        return sorted is [{ HasPrivateKey: true }, ..]
            ? [.. sorted]
            : throw new TlsException(TlsProblem.FileInvalid, $"The file '{path}' contains no certificate with a private key.");
    }

    private static X509Certificate2 Join(string path, string certificate, string keyPath, string key, string? password)
    {
        string? label = KeyLabel(key);
        if (label is null)
        {
            throw new TlsException(TlsProblem.FileInvalid, $"The file '{keyPath}' contains no private key in PEM form.");
        }

        if (label == EncryptedKey && password is null)
        {
            throw new TlsException(TlsProblem.FileInvalid, $"The private key '{keyPath}' is encrypted, and no password was given.");
        }

        if (label != EncryptedKey && password is not null)
        {
            throw new TlsException(TlsProblem.PasswordNotUsed, $"A password was given, and the private key '{keyPath}' is not encrypted.");
        }

        try
        {
            return label == EncryptedKey ? X509Certificate2.CreateFromEncryptedPem(certificate, key, password) : X509Certificate2.CreateFromPem(certificate, key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // .NET's errors for a key of another pair, a damaged key and a wrong password do not differ.
            throw IsReadable(key, label, password)
                ? new TlsException(TlsProblem.KeyMismatch, $"The private key '{keyPath}' does not belong to the certificate '{path}'.", e)
                : new TlsException(TlsProblem.FileInvalid, $"The private key '{keyPath}' cannot be read: it is damaged, not RSA or ECDSA, or its password is wrong.", e);
        }
    }

    private static string? KeyLabel(string text)
    {
        ReadOnlySpan<char> left = text;
        while (PemEncoding.TryFind(left, out PemFields fields))
        {
            if (left[fields.Label].EndsWith("PRIVATE KEY", StringComparison.Ordinal))
            {
                return left[fields.Label].ToString();
            }

            left = left[fields.Location.End..];
        }

        return null;
    }

    private static bool IsReadable(string key, string label, string? password)
    {
        foreach (Func<AsymmetricAlgorithm> create in (Func<AsymmetricAlgorithm>[])[ECDsa.Create, RSA.Create])
        {
            using AsymmetricAlgorithm algorithm = create();
            try
            {
                if (label == EncryptedKey)
                {
                    algorithm.ImportFromEncryptedPem(key, password);
                }
                else
                {
                    algorithm.ImportFromPem(key);
                }

                return true;
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                // Of the other kind, or damaged.
            }
        }

        return false;
    }
}

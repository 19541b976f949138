using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Client.Protocol.Secrets;
using OpenCloud.Build.Client.Wire;

namespace OpenCloud.Build.Client.Session;

/// <summary>
/// The session's attachable for <c>RUN --mount=type=secret</c>: <c>moby.buildkit.secrets.v1.Secrets</c>. Secrets are read when a build begins,
/// kept in memory of this process only, and cleared when it ends.
/// </summary>
/// <remarks>Source: moby/buildkit, session/secrets. NotFound lets a mount without <c>required</c> continue.</remarks>
internal sealed class SecretsService : Secrets.SecretsBase, IDisposable
{
    private readonly Dictionary<string, byte[]> _secrets = new(StringComparer.Ordinal);

    /// <exception cref="IOException">A secret is missing or too large.</exception>
    public SecretsService(IReadOnlyDictionary<string, BuildSecret> secrets, CancellationToken cancellationToken)
    {
        try
        {
            foreach ((string id, BuildSecret secret) in secrets)
            {
                byte[] content = secret.Read(id, cancellationToken);
                byte[] pinned = GC.AllocateUninitializedArray<byte>(content.Length, pinned: true);
                content.CopyTo(pinned, 0);
                CryptographicOperations.ZeroMemory(content);
                _secrets.Add(id, pinned);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <remarks>Served without any secret as well: a mount then gets NotFound.</remarks>
    public override Task<GetSecretResponse> GetSecret(GetSecretRequest request, ServerCallContext context) => _secrets.TryGetValue(request.ID, out byte[]? secret)
        ? Task.FromResult(new GetSecretResponse { Data = UnsafeByteOperations.UnsafeWrap(secret) })
        : throw CallErrors.Create(StatusCode.NotFound, $"secret {request.ID}: not found");

    public void Dispose()
    {
        foreach (byte[] secret in _secrets.Values)
        {
            CryptographicOperations.ZeroMemory(secret);
        }

        _secrets.Clear();
    }
}

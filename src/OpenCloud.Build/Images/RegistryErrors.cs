using System.Management.Automation;
using OpenCloud.Build.Client.Images.Registries;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Images;

/// <summary>Converts errors of registries to errors of the catalog.</summary>
internal static class RegistryErrors
{
    public static ErrorRecord ToRecord(RegistryException failure, object? target)
    {
        ErrorEntry entry = failure.Failure switch
        {
            RegistryFailure.Unreachable => ErrorCatalog.RegistryUnreachable,
            RegistryFailure.Untrusted => ErrorCatalog.RegistryUntrusted,
            RegistryFailure.Unauthorized => ErrorCatalog.RegistryLoginRequired,
            RegistryFailure.Denied => ErrorCatalog.RegistryDenied,
            RegistryFailure.NotFound => ErrorCatalog.RegistryImageNotFound,
            RegistryFailure.TooManyRequests => ErrorCatalog.RegistryTooManyRequests,
            RegistryFailure.Invalid => ErrorCatalog.RegistryAnswerInvalid,
            _ => ErrorCatalog.RegistryRefused,
        };
        return entry.ToRecord(target, failure, failure.Message, failure.Registry);
    }
}

using OpenCloud.Build.Client.Engines.Named;

namespace OpenCloud.Build.Errors;

/// <summary>Converts failures of the file of named engines to errors of the catalog.</summary>
internal static class NamedEngineErrors
{
    public static BuildErrorException From(NamedEngineException failure, object? target) => failure.Problem switch
    {
        NamedEngineProblem.NotFound => ErrorCatalog.EngineNotRegistered.ToException(target, failure, target ?? "?"),
        NamedEngineProblem.Exists => ErrorCatalog.EngineAlreadyRegistered.ToException(target, failure, failure.Message),
        NamedEngineProblem.InvalidName => ErrorCatalog.EngineNameInvalid.ToException(target, failure, failure.Message),
        NamedEngineProblem.FileNotTrusted => ErrorCatalog.EngineFileNotTrusted.ToException(target, failure, failure.Message),
        NamedEngineProblem.FileInvalid => ErrorCatalog.EngineFileInvalid.ToException(target, failure, failure.Message),
        _ => ErrorCatalog.EngineFileNotAccessible.ToException(target, failure, failure.Message),
    };
}

using System.Net;

namespace OpenCloud.Build.Client.Images.Docker;

/// <summary>A Docker Engine refused a request or failed at it.</summary>
public sealed class DockerEngineException : Exception
{
    internal DockerEngineException(HttpStatusCode? status, string message)
        : base(message)
    {
        Status = status;
    }

    /// <summary>The HTTP status; null when the failure was reported within an answer that began successfully.</summary>
    public HttpStatusCode? Status { get; }
}

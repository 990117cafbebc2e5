using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Control;

/// <summary>The documents of the admin listener as JSON. Names of fields are those of the properties in snake case, and stay.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip, WriteIndented = true)]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(AgentsDocument))]
[JsonSerializable(typeof(SessionsDocument))]
[JsonSerializable(typeof(StickySessionsDocument))]
[JsonSerializable(typeof(StickyClearedDocument))]
[JsonSerializable(typeof(ConfigPushesDocument))]
[JsonSerializable(typeof(ConfigPushDocument))]
[JsonSerializable(typeof(ReloadDocument))]
[JsonSerializable(typeof(ErrorDocument))]
internal sealed partial class AdminJson : JsonSerializerContext
{
    /// <summary>By this a client knows whom it has asked.</summary>
    public const string DaemonName = "sidecar";
}

/// <summary>What operators send. A misspelt field is refused, not ignored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ConfigPushOrder))]
[JsonSerializable(typeof(ReloadOrder))]
internal sealed partial class OrderJson : JsonSerializerContext;

/// <summary>What an order or a question is answered with: a document to be written as JSON, or text that is ready.</summary>
/// <param name="Status">Status of the answer.</param>
/// <param name="Document">The document, or the bytes of the text.</param>
internal readonly record struct AdminAnswer(int Status, object Document)
{
    /// <summary>What was asked for.</summary>
    public static AdminAnswer Ok(object document) => new(StatusCodes.Status200OK, document);

    /// <summary>Says what is wrong.</summary>
    public static AdminAnswer Error(int status, string error) => new(status, new ErrorDocument(AdminJson.DaemonName, error));

    /// <summary>Says that there is no agent of this id, and which there are.</summary>
    public static AdminAnswer NoSuchAgent(string id, IReadOnlyList<AgentState> agents) => Error(
        StatusCodes.Status404NotFound,
        $"there is no agent {id}; there are {(agents.Count == 0 ? "none" : string.Join(", ", agents.Select(static agent => agent.Id)))}");
}

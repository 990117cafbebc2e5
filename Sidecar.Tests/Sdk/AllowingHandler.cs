using Sidecar.Protocol.Sdk;


namespace Sidecar.Tests.Sdk;

/// <summary>Overrides nothing: what a handler does by default.</summary>
internal sealed class AllowingHandler : IAgentHandler;

using Sidecar.Protocol.Agents;

namespace Sidecar.Tests.Agents;

/// <summary>Overrides nothing: what a handler does by default.</summary>
internal sealed class AllowingHandler : IAgentHandler;

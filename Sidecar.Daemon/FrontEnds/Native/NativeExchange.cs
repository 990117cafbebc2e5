using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Agents;

namespace Sidecar.Daemon.FrontEnds.Native;

/// <summary>An exchange that came through a native listener, with what the asker holds of its bodies.</summary>
internal sealed class NativeExchange(Exchange exchange, ByteBudget memory) : JoinedExchange(exchange)
{
    private readonly NativeBody _request = new(exchange, Direction.Request, memory);
    private readonly NativeBody _response = new(exchange, Direction.Response, memory);

    /// <summary>The connection that its last event came on; when that ends, nobody goes on with it.</summary>
    public AgentConnection? Connection { get; set; }

    /// <summary>The body of a direction.</summary>
    public NativeBody BodyOf(Direction direction) => direction == Direction.Request ? _request : _response;
}

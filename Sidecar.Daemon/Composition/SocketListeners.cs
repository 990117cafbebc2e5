using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.FrontEnds.AgentProtocol;
using Sidecar.Daemon.FrontEnds.Decide;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Listeners;
using Sidecar.Daemon.Listeners.Registration;

namespace Sidecar.Daemon.Composition;

/// <summary>Builds the listeners that speak no HTTP, each on its socket file.</summary>
internal sealed class SocketListeners(AgentFactory agents, Inspector inspector, SidecarMetrics metrics, ILoggerFactory loggers)
{
    /// <summary>One for the agent protocol, from whoever asks as a proxy does.</summary>
    public IListener Native(ListenerOptions listener, UnixListenerSocket socket, IExchangeRelay? relay)
    {
        var native = new NativeListener(listener, inspector, socket.Bind, DaemonVersion.Text, loggers, relay);
        return new SocketFileListener(listener.Name, socket, native, native.StartAsync)
        {
            OnSuperseded = native.Supersede,
            Draining = native.DrainAsync,
        };
    }

    /// <summary>One for scripts that speak frames.</summary>
    public IListener Frames(JsonListenerOptions decide, string path, UnixListenerSocket socket, IExchangeRelay? relay)
    {
        var frames = new FramesListener(decide, inspector, socket.Bind, loggers, relay);
        return new SocketFileListener(decide.Name, socket, frames, Starting(() => frames.Start(path)))
        { OnSuperseded = frames.Supersede, Draining = frames.DrainAsync };
    }

    /// <summary>One for HAProxy's SPOE filters: a file, or an abstract name.</summary>
    /// <exception cref="IOException">A header that the options name cannot be carried.</exception>
    public IListener Spop(ListenerOptions listener, UnixListenerSocket socket, IExchangeRelay? relay)
    {
        var spop = CreateSpop(listener, relay);
        var start = listener.AbstractName is { } name
            ? Starting(() => spop.Start(AbstractSocket.EndPoint(name), AbstractSocket.Bind))
            : Starting(() => spop.Start(new UnixDomainSocketEndPoint(listener.Path), socket.Bind));
        return new SocketFileListener(listener.Name, socket, spop, start) { OnSuperseded = spop.Supersede, Draining = spop.DrainAsync };
    }

    /// <summary>One for agents that dial in, with its tokens and the users it lets in.</summary>
    /// <exception cref="IOException">The token file cannot be used, or a user or group does not exist.</exception>
    public IListener Registration(ListenerOptions listener, UnixListenerSocket socket, ConfigurationSnapshot snapshot)
    {
        var reverse = listener.Reverse!;
        var admitted = snapshot.Agents.Where(reverse.Admits).Select(static agent => agent.Id);
        var tokens = reverse.TokenFile is { } file ? AgentTokens.Load(file, admitted) : null;
        var registration = new ReverseListener(
            new ReverseListenerOptions
            {
                Name = listener.Name,
                Path = listener.Path,
                CreateListenSocket = socket.Bind,
                PeerProblem = PeerRules.Resolve(reverse.Users, reverse.Groups).Problem,
                ProxyVersion = DaemonVersion.Text,
                MaxConnections = listener.Connections,
                MaxUnregistered = Math.Max(1, listener.Connections / 4),
            },
            new RegistrationRules(Find, tokens, reverse.MaxPerAgent ?? int.MaxValue),
            metrics,
            inspector.Time,
            loggers.CreateLogger<ReverseListener>());
        return new SocketFileListener(listener.Name, socket, registration, Starting(registration.Start));

        // Agents come and go while it listens.
        RegisteredConnections? Find(string id) =>
            inspector.Model.Configuration.Agents.FirstOrDefault(agent => agent.Id == id) is { } agent && reverse.Admits(agent)
                ? agents.Registered(id)
                : null;
    }

    private SpopListener CreateSpop(ListenerOptions listener, IExchangeRelay? relay)
    {
        var spop = listener.Spop;
        var told = new SpopListenerOptions
        {
            Name = listener.Name,
            Budget = listener.Budget,
            HasResponsePhase = spop.HasResponsePhase,
            UnknownExchange = listener.UnknownExchange,
            HeaderForm = spop.HeaderForm,
            SetHeaders = listener.SetHeaders,
            EditHeaders = listener.EditHeaders,
            ResponseHeaders = listener.ResponseHeaders,
            VariablePrefix = spop.VariablePrefix,
            MaxConnections = listener.Connections,
            MaxFrameSize = spop.MaxFrameSize,
        };
        try
        {
            return new SpopListener(told, inspector, metrics, loggers, relay);
        }
        catch (ArgumentException e)
        {
            // A header that cannot be carried: the operator's to mend, told in one line.
            throw new IOException($"listener {listener.Name}: {e.Message}", e);
        }
    }

    private static Func<CancellationToken, Task> Starting(Action start) => _ =>
    {
        start();
        return Task.CompletedTask;
    };
}

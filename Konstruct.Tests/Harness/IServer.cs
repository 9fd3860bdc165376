namespace Konstruct.Tests.Harness;

/// <summary>What a client connects to: a gateway, or the balancer in front of several.</summary>
internal interface IServer
{
    /// <summary>Its port on the loopback address.</summary>
    int Port { get; }
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"

	istiogrpc "istio.io/istio/pilot/pkg/grpc"
	"meshroot.example/lines"
)

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

func (c caller) dial(more ...grpc.DialOption) (*grpc.ClientConn, error) {
	options, err := istiogrpc.ClientOptions(nil, &istiogrpc.TLSOptions{RootCert: c.Roots, ServerAddress: c.Endpoint})
	if err != nil {
		return nil, lines.Faultf("%w", err)
	}
	return grpc.NewClient(c.Endpoint, append(options, more...)...)
}

// peek asks for health, and for the services that there are, as grpcurl and load balancers do.
func peek(line []byte, out *answer) error {
	var request caller
	if err := lines.Decode(line, &request); err != nil {
		return err
	}
	conn, err := request.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	state, err := health.NewHealthClient(conn).Check(ctx, &health.HealthCheckRequest{})
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	if state.Status != health.HealthCheckResponse_SERVING {
		return fmt.Errorf("health: %v", state.Status)
	}
	stream, err := reflection.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return fmt.Errorf("reflection: %w", err)
	}
	list := &reflection.ServerReflectionRequest{MessageRequest: &reflection.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(list); err != nil {
		return fmt.Errorf("reflection: %w", err)
	}
	found, err := stream.Recv()
	if err != nil {
		return fmt.Errorf("reflection: %w", err)
	}
	for _, service := range found.GetListServicesResponse().GetService() {
		out.Services = append(out.Services, service.Name)
	}
	return stream.CloseSend()
}

// idle keeps a connection without calls for some time, with the keepalive pings as often as grpc-go allows a client to send them, and
// wants it to be the same connection all the time.
func idle(line []byte, _ *answer) error {
	var request struct {
		caller
		Seconds int64 `json:"seconds"`
	}
	if err := lines.Decode(line, &request); err != nil {
		return err
	}
	// Twelve seconds: less than the 15 that Istio's proxies may use, more than grpc-go's least, 10.
	pings := keepalive.ClientParameters{Time: 12 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true}
	conn, err := request.dial(grpc.WithKeepaliveParams(pings))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn.Connect()
	for state := conn.GetState(); state != connectivity.Ready; state = conn.GetState() {
		if !conn.WaitForStateChange(ctx, state) {
			return fmt.Errorf("the connection is %v after ten seconds", state)
		}
	}
	patience, stop := context.WithTimeout(context.Background(), seconds(request.Seconds))
	defer stop()
	if conn.WaitForStateChange(patience, connectivity.Ready) {
		return fmt.Errorf("the connection went from ready to %v", conn.GetState())
	}
	if err := patience.Err(); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
